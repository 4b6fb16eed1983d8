"""blockspace check: find every mistake of a block, network or study file."""

from __future__ import annotations


def run(*targets: str, as_json: bool = False) -> int:
    """Check each file (or library name); prints one line for each that is right, and every mistake of those that are not.

    Of a network's file, each of its variants is checked too.
    """
    from blockspace.errors import BlockspaceError, Mistake

    if not targets:
        from blockspace.errors import error

        raise error("E-FILE", "nothing to check", help="blockspace check my_block.yaml")
    mistakes: list[Mistake] = []
    lines: list[str] = []
    for target in targets:
        for variant in (None, *variants(target)):
            try:
                lines.append(checked(target, variant))
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


def variants(target: str) -> list[str]:
    """The variants that a network's file holds; a library name stands for itself."""
    from os.path import isfile

    from blockspace.blocks import load_unchecked
    from blockspace.errors import BlockspaceError

    if not isfile(target) or is_study(target):
        return []
    try:
        return list(load_unchecked(target).file.variants)
    except BlockspaceError:
        return []


def checked(target: str, variant: str | None = None) -> str:
    """What is said of a file, or of one of its variants, without mistakes."""
    if is_study(target):
        return checked_study(target)
    from blockspace.cli.arguments import expanded
    from blockspace.costs import cost
    from blockspace.formatting import format_si

    template, graph = expanded(target, {"variant": variant} if variant else {})
    found = cost(graph)
    open_places = len(template.open)
    if open_places:
        check_choices(template)
    extra = f"; {open_places} place{'s' * (open_places > 1)} open" if open_places else ""
    at = "x".join(map(str, graph.input_shape))
    title = f"{target} variant={variant}" if variant else target
    return f"{title}: ok: {len(graph)} nodes, {found.params:,} params, {format_si(found.macs)} macs at {at}{extra}"


def check_choices(template) -> None:
    """Each of the blocks that a space chooses between can be built in it, at some widths. Raises BlockspaceError."""
    from blockspace.blocks import Network

    if isinstance(template, Network):
        from blockspace.searching import Proposals, SearchSpace

        Proposals(SearchSpace(template), {}).check_reachable()


def is_study(target: str) -> bool:
    """Whether a file says it is a study, without reading all of it."""
    try:
        with open(target, encoding="utf-8") as file:
            return any(line.startswith("format: blockspace/study/") for line in file)
    except (OSError, UnicodeDecodeError):
        return False


def checked_study(path: str) -> str:
    from blockspace.study import resolve_study

    question = resolve_study(path)
    question.proposals.check_reachable()
    return f"{path}: ok: {question.space.size():,} topologies, baseline {question.baseline.costs['macs']:,} macs"


def register(app) -> None:
    import typer

    from blockspace.cli.complete import everything

    @app.command(epilog="blockspace check my_block.yaml studies/*.yaml")
    def check(
        targets: list[str] = typer.Argument(help="YAML files or library names", autocompletion=everything),
        as_json: bool = typer.Option(False, "--json", help="Mistakes as JSON, with their codes."),
    ) -> int:
        """Find every mistake of block, network and study files."""
        return run(*targets, as_json=as_json)
