"""What rewriting does to a graph, as text: each step with what it saves, or why a rule does not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def steps(graph, rules=()) -> str:
    """The canonical column over a graph, and `rules` with it: every step, then the equations of those that applied."""
    from blockspace.passes import column, rewrite

    found = rewrite(graph, rules=[*column(), *rules])
    key = f"key {found.after.key()}"
    return f"{told(found)}\n{key}" if found.steps else f"{graph.name} is in canonical form: no rule applies\n{key}"


def deployed(graph) -> str:
    """The same from the canonical form to that for deployment."""
    from blockspace.passes import canonical, rewriting_of

    found = rewriting_of(canonical(graph), "deploy")
    return told(found) if found.steps else f"the canonical form of {graph.name} is that for deployment: no rule applies"


def told(found) -> str:
    """Each step, the equations, and what was saved in all."""
    from blockspace.formatting import format_si, format_table

    saved = ("nodes", "launches", "macs", "params")
    rows = []
    for number, step in enumerate(found.steps, 1):
        saves = step.saves
        change = f"{words(step.gone)} -> {words(step.added) or 'nothing'}"
        rows.append((str(number), step.rule.name, step.at, change, *(format_si(saves[name]) if saves[name] else "" for name in saved)))
    used = {step.rule.name: step.rule for step in found.steps}
    width = max(map(len, used))
    lines = [format_table(["step", "rule", "at", "change", *(f"-{name}" for name in saved)], rows, left=4), ""]
    lines += [f"{name:<{width}}  {rule.equation}" for name, rule in used.items()]
    total = ", ".join(f"{number:,} {name}" for name in saved if (number := found.saves[name]))
    return "\n".join([*lines, "", f"{len(found.before)} nodes become {len(found.after)}; saved: {total or 'nothing'}"])


def words(nodes: Iterable) -> str:
    """Ops with their counts: conv + 8 part"""
    counts = Counter(node.op.name for node in nodes)
    return " + ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())


def why(graph, name: str) -> str:
    """Where a rule applies in a graph, and once all is rewritten the reasons why it does not any more, each with its places."""
    from blockspace.errors import did_you_mean, error
    from blockspace.passes import RULES, Draft, canonical, rewriting_of

    if name not in RULES:
        raise error("E-NAME", f"no rule {name!r}", help=did_you_mean(name, RULES) or f"known: {', '.join(RULES)}")
    rule = RULES[name]
    found = rewriting_of(canonical(graph) if rule.pipeline == "deploy" else graph, rule.pipeline)
    draft = Draft(found.after)
    reasons: dict[str, list[str]] = {}
    for node in found.after:
        if isinstance(node.op, rule.at):
            reasons.setdefault(rule.why_not(draft, node), []).append(node.name)
    fired = [step.at for step in found.steps if step.rule is rule]
    lines = [f"{name}: {rule.equation}", rule.doc, "", f"applied {len(fired)} times{': ' if fired else ''}{places(fired)}"]
    rows = sorted(reasons.items(), key=lambda item: -len(item[1]))
    return "\n".join([*lines, *(f"not at {places(at)}: {reason}" for reason, at in rows)])


def places(names: list[str], few: int = 4) -> str:
    """a, b, c and 12 more"""
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more
