"""Complete words for the shell: library names, files, settings and trials. Nothing here imports torch.

Bash splits words at `=`, so the value of `key=value` may arrive as a separate word. Completions are whole words, since the shell appends a
space to each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from typer import Context  # typer reads the annotations when it runs

if TYPE_CHECKING:
    from pydantic import BaseModel

    from blockspace.blocks import Param

MOST = 200


def select_matching(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that start with what was typed, at most `MOST`."""
    return [word for word in words if word.startswith(incomplete)][:MOST]


def list_yaml_files(incomplete: str) -> list[str]:
    """Return YAML files whose paths start with what was typed, and folders that may hold some."""
    home = incomplete.partition("/")[0] if incomplete.startswith("~") and "/" in incomplete else ""
    place = os.path.expanduser(home)
    found = [Path(path) for path in sorted(glob(f"{escape_glob(place + incomplete[len(home) :])}*"))]
    typed = [(path, home + str(path)[len(place) :]) for path in found]  # as it was typed: `~` stays
    return [f"{text}/" if path.is_dir() else text for path, text in typed if path.is_dir() or path.suffix in (".yaml", ".yml")]


def escape_glob(text: str) -> str:
    """Return the text with the wildcards of `glob` escaped."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def complete_templates(incomplete: str) -> list[str]:
    """Complete blocks and networks: library names; trials and files once part of a path was typed."""
    from blockspace.blocks import list_names

    found = select_matching([*list_names("block"), *list_names("network")], incomplete)
    return found + (complete_runs(incomplete) + list_yaml_files(incomplete) if incomplete else [])


def complete_studies(incomplete: str) -> list[str]:
    """Complete study files: shipped ones, and any YAML file."""
    from blockspace.cli.catalog import list_files

    studies = [name if os.path.isabs(path) else path for name, path in list_files("study").items()]
    return sorted({*select_matching(studies, incomplete), *list_yaml_files(incomplete)})


def complete_names(incomplete: str) -> list[str]:
    """Complete what can be copied or checked: library names, spaces, studies, files."""
    from blockspace.cli.catalog import map_names_to_files

    return sorted({*select_matching(map_names_to_files(), incomplete), *(list_yaml_files(incomplete) if incomplete else [])})


def complete_patterns(incomplete: str) -> list[str]:
    """Complete names that `ls` lists."""
    from blockspace.cli.catalog import KINDS, describe_names

    return select_matching(sorted({name for kind in KINDS for name in describe_names(kind)}), incomplete)


def complete_networks(incomplete: str) -> list[str]:
    """Complete networks: of the library, in files, and found by a study."""
    from blockspace.blocks import list_names

    files = list_yaml_files(incomplete) if incomplete else []
    return select_matching(list_names("network"), incomplete) + complete_runs(incomplete) + files


def complete_runs(incomplete: str) -> list[str]:
    """Complete `RUN#NUMBER` and `RUN#NAME` of the runs below `runs/`, or of the run that was typed."""
    run, sharp, _ = incomplete.rpartition("#")
    folders = [Path(run)] if sharp else sorted(path.parent for path in Path("runs").glob("*/study.yaml"))
    found = [f"{folder}#" for folder in folders]
    if sharp or len(folders) == 1:
        found = [f"{folder}#{name}" for folder in folders for name in list_run_members(folder)]
    return select_matching(found, incomplete)


def list_run_members(folder: Path) -> list[str]:
    """Return the names of a run's trained trials and exported networks."""
    folder = Path(os.path.expanduser(folder))
    trials = sorted(int(path.parent.name) for path in folder.glob("trials/*/result.json") if path.parent.name.isdigit())
    return [*sorted(path.name for path in folder.glob("best/*") if path.is_dir()), *map(str, trials)]


# -- settings ------------------------------------------------------------------------------------------------------------------------------


def complete_block_settings(ctx: Context, incomplete: str) -> list[str]:
    """Complete `name=value` for a param or hole of the target: its default, and the values it may be searched over."""
    from blockspace.blocks import format_token, load
    from blockspace.errors import BlockspaceError

    try:
        template = load(str(ctx.params.get("target")))
    except BlockspaceError:
        return []
    holes = template.open.holes
    values = {name: [format_token(hole.default), *map(format_token, hole.domain.values())][:32] for name, hole in holes.items()}
    values |= {name: list_param_values(param) for name, param in template.file.params.items()}
    if template.file.variants:
        values["variant"] = list(template.file.variants)
    return complete_assignments(values | {"input": ["256x56x56", "64x56x56", "3x224x224"]}, ctx.params.get("settings"), incomplete)


def list_param_values(param: Param) -> list[str]:
    """Return the values of a param to offer, its default first."""
    from blockspace.blocks import parse_domain

    found = [] if param.search is None else [str(token) for token in parse_domain(param.search).values()]
    default = str(param.default) if param.default is not None else ""
    return list(dict.fromkeys([text for text in (default, *found) if text and " " not in text]))[:32]


def complete_study_settings(ctx: Context, incomplete: str) -> list[str]:
    """Complete `key.path=value` of a study: every option with its default."""
    from blockspace.study import StudyFile

    return complete_assignments(dict(iterate_options(StudyFile, "")), ctx.params.get("overrides"), incomplete)


def iterate_options(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (dotted key, [default]) for every scalar option of a pydantic model and the models in it."""
    from pydantic import BaseModel

    for key, field in model.model_fields.items():
        if isinstance(field.default, BaseModel) and "kind" not in type(field.default).model_fields:
            yield from iterate_options(type(field.default), f"{prefix}{key}.")
        elif key not in ("format", "kind"):
            yield f"{prefix}{key}", [format_default(field.default)]


def format_default(default: object) -> str:
    """Return a default as it would be typed."""
    kind = getattr(default, "kind", None)
    if kind is not None or isinstance(default, (int, float, str)):
        return str(default if kind is None else kind).lower() if isinstance(default, bool) else str(default if kind is None else kind)
    return ""


def complete_assignments(values: dict[str, list[str]], before: list[str] | None, incomplete: str) -> list[str]:
    """Complete `key=value` for every key; values alone where the shell split off `key` and `=` into the words `before`."""
    *_, second, last = ["", "", *(before or [])]
    key = second if last == "=" else "" if second == "=" or "=" in last else last
    if key:
        return select_matching(values.get(key, []), incomplete)
    if "=" in incomplete:
        return select_matching([f"{key}={value}" for key, some in values.items() for value in some], incomplete)
    return select_matching([f"{key}={some[0] if some else ''}" for key, some in values.items()], incomplete)
