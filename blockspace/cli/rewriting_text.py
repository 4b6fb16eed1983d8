"""Describe rewriting as text: each step with its savings, or why a rule does not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blockspace.graph import Graph, Node
    from blockspace.passes import Rewriting, Rule


def format_canonical_steps(graph: Graph, rules: Sequence[Rule] = ()) -> str:
    """Return every step of the canonical pipeline, with `rules` added, and the equations of the rules that applied."""
    from blockspace.passes import pipeline_rules, rewrite

    found = rewrite(graph, rules=[*pipeline_rules(), *rules])
    key = f"key {found.after.key()}"
    return f"{format_rewriting(found)}\n{key}" if found.steps else f"{graph.name} is in canonical form: no rule applies\n{key}"


def format_deploy_steps(graph: Graph) -> str:
    """Return every step from the canonical form to the form for deployment."""
    from blockspace.passes import canonical, rewriting_of

    found = rewriting_of(canonical(graph), "deploy")
    return format_rewriting(found) if found.steps else f"the canonical form of {graph.name} is that for deployment: no rule applies"


def format_rewriting(found: Rewriting) -> str:
    """Return a table of the steps, the equations, and the total savings."""
    from blockspace.formatting import count_noun, format_si, format_table

    saved = ("nodes", "launches", "macs", "params")
    rows = []
    for number, step in enumerate(found.steps, 1):
        saves = step.saves
        change = f"{count_ops(step.gone)} -> {count_ops(step.added) or 'nothing'}"
        rows.append((str(number), step.rule.name, step.at, change, *(format_si(saves[name]) if saves[name] else "" for name in saved)))
    used = {step.rule.name: step.rule for step in found.steps}
    width = max(map(len, used))
    lines = [format_table(["step", "rule", "at", "change", *(f"-{name}" for name in saved)], rows, left=4), ""]
    lines += [f"{name:<{width}}  {rule.equation}" for name, rule in used.items()]
    total = ", ".join(f"{number:,} {name}" for name in saved if (number := found.saves[name]))
    change = f"{count_noun(len(found.before), 'node becomes', 'nodes become')} {len(found.after):,}"
    return "\n".join([*lines, "", f"{change}; saved: {total or 'nothing'}"])


def count_ops(nodes: Iterable[Node]) -> str:
    """Return ops with their counts, as `conv + 8 part`."""
    counts = Counter(node.op.name for node in nodes)
    return " + ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())


def explain_rule(graph: Graph, name: str) -> str:
    """Return where a rule applies in a graph, and for the rewritten graph the reasons why it does not, each with its nodes."""
    from blockspace.errors import did_you_mean, error
    from blockspace.formatting import count_noun
    from blockspace.passes import RULES, MutableGraph, canonical, rewriting_of

    if name not in RULES:
        raise error("E-NAME", f"no rule {name!r}", help=did_you_mean(name, RULES) or f"known: {', '.join(RULES)}")
    rule = RULES[name]
    found = rewriting_of(canonical(graph) if rule.pipeline == "deploy" else graph, rule.pipeline)
    draft = MutableGraph(found.after)
    reasons: dict[str, list[str]] = {}
    for node in found.after:
        if isinstance(node.op, rule.at):
            reasons.setdefault(rule.why_not(draft, node), []).append(node.name)
    fired = [step.at for step in found.steps if step.rule is rule]
    applied = f"applied {count_noun(len(fired), 'time')}{': ' if fired else ''}{abbreviate_names(fired)}"
    lines = [f"{name}: {rule.equation}", rule.doc, "", applied]
    rows = sorted(reasons.items(), key=lambda item: -len(item[1]))
    return "\n".join([*lines, *(f"not at {abbreviate_names(at)}: {reason}" for reason, at in rows)])


def abbreviate_names(names: list[str], few: int = 4) -> str:
    """Return `a, b, c and 12 more`."""
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more
