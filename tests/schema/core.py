"""YAML as editors read it: the core schema of YAML 1.2, where `on` is a word and `5e-4` a number, and a key given twice is refused."""

from __future__ import annotations

import re

import yaml

CORE = {
    "bool": r"^(?:true|True|TRUE|false|False|FALSE)$",
    "null": r"^(?:~|null|Null|NULL|)$",
    "int": r"^[-+]?[0-9]+$",
    "float": r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
}


class Core(yaml.SafeLoader):
    """SafeLoader with the resolvers of YAML 1.2."""

    yaml_implicit_resolvers: dict = {}


for _name, _pattern in CORE.items():
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), None)
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
Core.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def core(text: str):
    """The one document in `text`."""
    return yaml.load(text, Loader=Core)  # noqa: S506
