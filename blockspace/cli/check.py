"""blockspace check: find every mistake of a block, network or study file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.blocks import Block, Network

MOST_MISTAKES = 100  # of a file, before its variants are left


def run(*targets: str, as_json: bool = False) -> int:
    """Check each file or library name, each variant of a network's file too.

    Print one line for each that is right. Return the exit code, or raise BlockspaceError with every mistake.
    """
    from blockspace.errors import BlockspaceError, Mistake

    if not targets:
        from blockspace.errors import error

        raise error("E-FILE", "nothing to check", help="blockspace check my_block.yaml")
    mistakes: list[Mistake] = []
    lines: list[str] = []
    for target in targets:
        try:
            for variant in (None, *list_variants(target)):
                try:
                    lines.append(describe_target(target, variant))
                except BlockspaceError as e:
                    mistakes = list(dict.fromkeys([*mistakes, *e.mistakes]))
            if len(mistakes) >= MOST_MISTAKES:
                break
        except BlockspaceError as e:
            mistakes.extend(m for m in e.mistakes if m not in mistakes)
    if as_json:
        import json

        print(json.dumps({"ok": lines, "errors": [m.as_dict() for m in mistakes]}))
        return 2 if mistakes else 0
    for line in lines:
        print(line)
    if mistakes:
        raise BlockspaceError(*mistakes)
    return 0


def list_variants(target: str) -> list[str]:
    """Return the names of the variants that a network's file holds; none for a library name, which names one network."""
    from os.path import isfile

    from blockspace.blocks import load_unchecked
    from blockspace.errors import BlockspaceError
    from blockspace.inputs import expand_path

    if not isfile(expand_path(target)) or is_study(target):
        return []
    try:
        return list(load_unchecked(target).file.variants)
    except BlockspaceError:
        return []


def describe_target(target: str, variant: str | None = None) -> str:
    """Return the line that is printed for a file, or one of its variants. Raises BlockspaceError with every mistake."""
    if is_study(target):
        return describe_study(target)
    from blockspace.cli.arguments import GraphFile, expand_target
    from blockspace.costs import cost
    from blockspace.formatting import count_noun, format_si

    template, graph = expand_target(target, {"variant": variant} if variant else {})
    found = cost(graph)
    open_places = len(template.open)
    if open_places and not isinstance(template, GraphFile):
        check_reachable_choices(template)
    extra = f"; {count_noun(open_places, 'place')} open" if open_places else ""
    problem = None if isinstance(template, GraphFile) else find_stride_problem(template)
    extra += f"; with stride: 2 not: {problem}" if problem else ""
    at = "x".join(map(str, graph.input_shape))
    title = f"{target} variant={variant}" if variant else target
    size = f"{count_noun(len(graph), 'node')}, {count_noun(found.params, 'param')}, {format_si(found.macs)} macs at {at}"
    return f"{title}: ok: {size}{extra}"


def find_stride_problem(template: Block | Network) -> str | None:
    """Return why a block with a param `stride` cannot be built with a stride of 2, as stages ask for; None where it can, or excludes it."""
    from blockspace.blocks import Block
    from blockspace.errors import BlockspaceError

    if not isinstance(template, Block) or template.params.get("stride") != "1":
        return None
    try:
        template(stride=2).graph()
    except BlockspaceError as e:
        return None if any(m.code == "E-REQUIRE" for m in e.mistakes) else e.mistakes[0].message
    return None


def check_reachable_choices(template: Block | Network) -> None:
    """Raise BlockspaceError unless each of the blocks that a space chooses between can be built in it, at some widths."""
    from blockspace.blocks import Network

    if isinstance(template, Network):
        from blockspace.searching import BudgetedSpace, SearchSpace

        BudgetedSpace(SearchSpace(template), {}).check_reachable()


def is_study(target: str) -> bool:
    """Return whether a file says that it is a study."""
    from blockspace.inputs import expand_path
    from blockspace.reader import read_top_scalar

    path = str(expand_path(target))
    return (read_top_scalar(path, "format") or "").startswith("blockspace/study/") or read_top_scalar(path, "study") is not None


def describe_study(path: str) -> str:
    """Return the line that is printed for a study. Raises BlockspaceError with every mistake of the study and its space."""
    from blockspace.data import can_describe
    from blockspace.formatting import count_noun
    from blockspace.study import resolve_study

    resolved = resolve_study(path)
    resolved.budgeted_space.check_reachable()
    notes = "" if can_describe(resolved.study.data) else f"; {'; '.join(resolved.notes)}"
    topologies = count_noun(resolved.space.size(), "topology", "topologies")
    return f"{path}: ok: {topologies}, baseline {resolved.baseline.costs['macs']:,} macs{notes}"


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_names

    @app.command(epilog="blockspace check my_block.yaml studies/*.yaml")
    def check(
        targets: list[str] = typer.Argument(help="YAML files or library names", autocompletion=complete_names),
        as_json: bool = typer.Option(False, "--json", help="Mistakes as JSON, with their codes."),
    ) -> int:
        """Find every mistake of block, network and study files."""
        return run(*targets, as_json=as_json)
