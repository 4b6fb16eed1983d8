"""Rules: an equation between two graphs, where it applies, what takes the place of what, and the weight map.

A rule is one function in a file of its own under `rules/`:

    @rule("relu ∘ relu = relu", at=(Relu,), rank=TIDY, example=twice)
    def idempotent(graph: MutableGraph, node: Node) -> Match | str:

It looks at one node and answers what to put in its place, or in words why it does not apply. `rewriting` runs rules and checks what they
promise: the same shapes, a weight for each tensor, no more macs, no border crossed unless the rule says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, TypeVar

from blockspace.errors import BlockspaceError, error
from blockspace.executions import announce_execution
from blockspace.graph import Graph, Node
from blockspace.inputs import expand_path
from blockspace.ops import Op
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph

PIPELINES = ("canonical", "deploy")
TIDY, REACH, WIDEN, MERGE, GROUP = range(5)  # ranks: a rule runs before those of a higher rank; in one rank by name
O = TypeVar("O", bound=Op)
Matcher = Callable[[MutableGraph, Node[O]], "Match | str"]


@dataclass(frozen=True)
class Rule:
    """A rewrite rule. `at` are the ops it looks at; `example` builds a small graph on which it fires.

    `crosses`: it may merge nodes of different blocks. `costlier`: it may add macs. `pipeline`: `canonical` (true in train and eval,
    gradients included) or `deploy` (eval alone).
    """

    name: str
    equation: str
    match: Matcher[Any] = field(repr=False)
    at: tuple[type[Op], ...]
    rank: int
    example: Callable[[], Graph] = field(repr=False)
    pipeline: str = "canonical"
    crosses: bool = True
    costlier: bool = False

    @property
    def doc(self) -> str:
        """Return what it is for: the function's docstring."""
        return (self.match.__doc__ or "").strip()

    def why_not(self, graph: MutableGraph, node: Node) -> str:
        """Return why it does not apply at this node; empty when it does."""
        if not isinstance(node.op, self.at):
            return f"looks at {', '.join(op.__name__ for op in self.at)}, not at {type(node.op).__name__}"
        found = self.match(graph, node)
        return found if isinstance(found, str) else ""


RULES: dict[str, Rule] = {}


def rule(
    equation: str, *, at: type[O] | tuple[type[O], ...], rank: int, example: Callable[[], Graph], pipeline: str = "canonical",
    crosses: bool | None = None, costlier: bool = False, known: dict[str, Rule] | None = None,
) -> Callable[[Matcher[O]], Rule]:  # fmt: skip
    """Make a rule of a matching function and register it under the function's name, which must be new.

    Canonical rules cross the borders of blocks, since the key of a network does not depend on how it is cut into blocks; others do where
    they say so. `known` is the registry to add to, by default that of the package.
    """

    def add(match: Matcher[O]) -> Rule:
        name, registry = match.__name__, RULES if known is None else known
        if name in RULES or name in registry:
            raise TypeError(f"two rules are called {name!r}")
        if pipeline not in PIPELINES:
            raise TypeError(f"rule {name!r}: no pipeline {pipeline!r}; there are {', '.join(PIPELINES)}")
        over = pipeline == "canonical" if crosses is None else crosses
        registry[name] = Rule(name, equation, match, at if isinstance(at, tuple) else (at,), rank, example, pipeline, over, costlier)
        return registry[name]

    return add


def pipeline_rules(pipeline: str = "canonical", rules: Iterable[Rule] | None = None) -> list[Rule]:
    """Return the rules of a pipeline in the order they run; deploy tidies up by canonical rules, which are true in eval mode too."""
    found = RULES.values() if rules is None else rules
    own = (r for r in found if r.pipeline == pipeline or pipeline == "deploy" and r.rank == TIDY)
    return sorted(own, key=lambda r: (r.rank, r.name))


def load_rules(path: str | Path) -> list[Rule]:
    """Return the rules of a file, in the order written. The file is run; its rules join no pipeline by themselves: hand them to `rewrite`.

    They are not proven by being read: `blockspace.compiler.load_proven_rules` does both. Raises BlockspaceError (E-FILE, E-RULE).
    """
    path, known = expand_path(path), dict(RULES)
    spec = spec_from_file_location(f"rules_of_{path.stem}", path)
    try:
        if spec is None or spec.loader is None:
            raise error("E-FILE", f"{path} is not a Python file")
        if Path(path).is_file():
            announce_execution("rules", f"the rules of {path}")
        spec.loader.exec_module(module_from_spec(spec))
        found = [rule for name, rule in RULES.items() if name not in known]
    except (BlockspaceError, OSError) as reason:
        raise reason if isinstance(reason, BlockspaceError) else error("E-FILE", f"cannot read rules from {path}: {reason}") from None
    except (Exception, SystemExit) as reason:
        raise error("E-RULE", f"{path}: {type(reason).__name__}: {reason}") from reason
    finally:
        RULES.clear()
        RULES.update(known)
    if not found:
        raise error("E-RULE", f"{path} defines no rule", help="write @rule(...) over a function, as in blockspace/passes/rules")
    return found
