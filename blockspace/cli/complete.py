"""Completions of the shell: library names, files, settings and trials. Nothing here imports torch.

Bash breaks words at `=`, so the value of `key=value` may arrive as a word of its own; completions are whole words, since the shell puts a
space behind each.
"""

from __future__ import annotations

from glob import glob
from pathlib import Path

MOST = 200


def matching(words, incomplete: str) -> list[str]:
    """Those that start with what was typed."""
    return [word for word in words if word.startswith(incomplete)][:MOST]


def yaml_files(incomplete: str) -> list[str]:
    """YAML files below what was typed, and folders that may hold some."""
    found = [Path(path) for path in sorted(glob(f"{glob_safe(incomplete)}*"))]
    return [f"{path}/" if path.is_dir() else str(path) for path in found if path.is_dir() or path.suffix in (".yaml", ".yml")]


def glob_safe(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def templates(incomplete: str) -> list[str]:
    """Blocks and networks: library names, and files once something of a path was typed."""
    from blockspace.blocks import list_names

    return matching([*list_names("block"), *list_names("network")], incomplete) + (yaml_files(incomplete) if incomplete else [])


def studies(incomplete: str) -> list[str]:
    """Study files: those of `studies/`, and any YAML file."""
    from blockspace.cli.shelf import files

    return sorted({*matching(files("study").values(), incomplete), *yaml_files(incomplete)})


def everything(incomplete: str) -> list[str]:
    """Whatever can be copied or checked: library names, spaces, studies, files."""
    from blockspace.cli.shelf import everywhere

    return sorted({*matching(everywhere(), incomplete), *(yaml_files(incomplete) if incomplete else [])})


def patterns(incomplete: str) -> list[str]:
    """Everything `ls` lists."""
    from blockspace.cli.shelf import KINDS, listed

    return matching(sorted(name for kind in KINDS for name in listed(kind)), incomplete)


def networks(incomplete: str) -> list[str]:
    """Networks: of the library, in files, and found by a study."""
    from blockspace.blocks import list_names

    return matching(list_names("network"), incomplete) + runs(incomplete) + (yaml_files(incomplete) if incomplete else [])


def runs(incomplete: str) -> list[str]:
    """`RUN#NUMBER` of trained trials and `RUN#NAME` of exported ones, in the run directories below `runs/` or the one that was typed."""
    run, sharp, _ = incomplete.partition("#")
    folders = [Path(run)] if sharp else sorted(path.parent for path in Path("runs").glob("*/study.yaml"))
    found = [f"{folder}#" for folder in folders]
    if sharp or len(folders) == 1:
        found = [f"{folder}#{name}" for folder in folders for name in members(folder)]
    return matching(found, incomplete)


def members(folder: Path) -> list[str]:
    """The names of a run's trials and exported networks."""
    trials = sorted(int(path.parent.name) for path in folder.glob("trials/*/result.json") if path.parent.name.isdigit())
    return [*sorted(path.name for path in folder.glob("best/*") if path.is_dir()), *map(str, trials)]


# -- settings ------------------------------------------------------------------------------------------------------------------------------


def block_settings(ctx, incomplete: str) -> list[str]:
    """`name=value` of a param or hole of the block or network named before: its default, and the values it may be searched over."""
    from blockspace.blocks import format_token, load
    from blockspace.errors import BlockspaceError

    try:
        template = load(str(ctx.params.get("target")))
    except BlockspaceError:
        return []
    holes = template.open.holes
    values = {name: [format_token(hole.default), *map(format_token, hole.domain.values())][:32] for name, hole in holes.items()}
    values |= {name: choices(param) for name, param in template.file.params.items()}
    if template.file.variants:
        values["variant"] = list(template.file.variants)
    return assigned(values | {"input": ["256x56x56", "64x56x56", "3x224x224"]}, ctx.params.get("settings"), incomplete)


def choices(param) -> list[str]:
    """The values of a param that are worth offering."""
    from blockspace.blocks import parse_domain

    found = [] if param.search is None else [str(token) for token in parse_domain(param.search).values()]
    default = str(param.default) if param.default is not None else ""
    return list(dict.fromkeys([text for text in (default, *found) if text and " " not in text]))[:32]


def study_settings(ctx, incomplete: str) -> list[str]:
    """`key.path=value` of a study: every option with its default."""
    from blockspace.study import StudyFile

    return assigned(dict(option_rows(StudyFile, "")), ctx.params.get("overrides"), incomplete)


def option_rows(model, prefix: str):
    """(dotted key, [default]) of every plain option below a pydantic model."""
    from pydantic import BaseModel

    for key, field in model.model_fields.items():
        if isinstance(field.default, BaseModel) and "kind" not in type(field.default).model_fields:
            yield from option_rows(type(field.default), f"{prefix}{key}.")
        elif key not in ("format", "kind"):
            yield f"{prefix}{key}", [plain(field.default)]


def plain(default) -> str:
    """A default as it would be typed."""
    kind = getattr(default, "kind", None)
    if kind is not None or isinstance(default, (int, float, str)):
        return str(default if kind is None else kind).lower() if isinstance(default, bool) else str(default if kind is None else kind)
    return ""


def assigned(values: dict[str, list[str]], before: list[str] | None, incomplete: str) -> list[str]:
    """`key=value` for every key; only values, where the shell made `key` and `=` words of their own `before` this one."""
    *_, second, last = ["", "", *(before or [])]
    key = second if last == "=" else "" if second == "=" or "=" in last else last
    if key:
        return matching(values.get(key, []), incomplete)
    if "=" in incomplete:
        return matching([f"{key}={value}" for key, some in values.items() for value in some], incomplete)
    return matching([f"{key}={some[0] if some else ''}" for key, some in values.items()], incomplete)
