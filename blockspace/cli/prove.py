"""blockspace prove: check rewrite rules against their equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.graph import Graph


def run(*targets: str) -> None:
    """Prove rules by name, all of a Python file, or the package's own, and print a line for each.

    Raises BlockspaceError (E-RULE) with a counter-example.
    """
    from blockspace.compiler import prove
    from blockspace.errors import did_you_mean, error
    from blockspace.formatting import count_noun
    from blockspace.passes import RULES, load_rules

    rules = []
    for target in targets or RULES:
        if target.endswith(".py"):
            rules += load_rules(target)
        elif target in RULES:
            rules.append(RULES[target])
        else:
            raise error("E-NAME", f"no rule {target!r}", help=did_you_mean(target, RULES) or f"a file.py, or one of {', '.join(RULES)}")
    width = max(len(rule.name) for rule in rules)
    graphs = build_library_graphs()
    for rule in rules:
        count = prove(rule, graphs)
        print(f"ok  {rule.name:<{width}}  {rule.equation}  (on {count_noun(count, 'graph')})", flush=True)


def build_library_graphs() -> list[Graph]:
    """Return every library block, built at the smallest input size it accepts."""
    from blockspace.blocks import list_names, load
    from blockspace.errors import BlockspaceError

    found = []
    for name in list_names("block"):
        template = load(name)
        channels = template.usual_shape[0]
        for shape in ((channels, 8, 8), (channels, 32, 32), template.usual_shape):
            try:
                found.append(template.graph(shape))
                break
            except BlockspaceError:
                continue
    return found


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    @app.command(epilog="blockspace prove my_rules.py")
    def prove(
        targets: list[str] = typer.Argument(None, help="names of rules, or Python files with rules (default: all of the package)"),
    ) -> None:
        """Prove rewrite rules: outputs and gradients of both sides in float64, on library blocks and random graphs."""
        run(*(targets or []))
