"""Frames: the names, graph values and path a step runs with."""

from __future__ import annotations

from typing import Any

from blockspace.blocks.evaluate import Environment, evaluate, evaluate_boolean, evaluate_integer, evaluate_real
from blockspace.blocks.vocabulary import INHERITED

# what is no word among the `defaults:`
NUMBERS = {
    **dict.fromkeys(("bn_eps", "bn_momentum", "norm_eps"), evaluate_real), "norm_groups": evaluate_integer,
    **dict.fromkeys(("bias", "ceil_mode", "count_include_pad"), evaluate_boolean),
}  # fmt: skip


class UnitEnvironment(Environment):
    """The names of one use of a block or part (`unit`) in an expansion (`run`), and the defaults that hold in it."""

    __slots__ = ("caller", "cache")

    def __init__(self, unit, caller: Environment | None, outer: Environment | None, run):
        super().__init__(outer, {}, unit, run)
        self.caller = caller
        self.cache: dict[str, Any] = {}

    def default(self, key: str):
        """The value of a `defaults:` word here, or None: the unit's own, its file's, then, where it inherits, the caller's."""
        if key not in self.cache:
            self.cache[key] = self._default(key)
        return self.cache[key]

    def _default(self, key: str):
        if key in self.unit.defaults:
            node = self.unit.defaults[key]
            return NUMBERS[key](node, self, f"defaults: {key}") if key in NUMBERS else evaluate(node, self)
        if isinstance(self.outer, UnitEnvironment):
            return self.outer.default(key)
        calling = find_unit_environment(self.caller)
        return calling.default(key) if calling is not None and key in INHERITED else None


def find_unit_environment(env: Environment | None) -> UnitEnvironment | None:
    """The innermost block or part whose names `env` reads; None outside of all."""
    while env is not None and not isinstance(env, UnitEnvironment):
        env = env.outer
    return env


class Frame:
    """Where a step runs: its names, the graph values it can refer to, its path."""

    __slots__ = ("env", "values", "path", "label")

    def __init__(self, env: Environment, values: dict, path: str, label: str | None = None):
        self.env, self.values, self.path = env, values, path
        self.label = label  # what a step that carries no name is called; stages have their number

    def inside(self, path: str | None = None, **names) -> Frame:
        """A frame for a branch: graph values made in it stay local."""
        return Frame(Environment(self.env, names) if names else self.env, dict(self.values), self.path if path is None else path)


def join_environments(written: Environment, place: Environment) -> Environment:
    """The names for a flow written in one place and used in another: where it is used, when that sees all its own names; else both."""
    env: Environment | None = place
    while env is not None:
        if env is written:
            return place
        env = env.outer
    return JoinedEnvironment(written, place)


class JoinedEnvironment(Environment):
    """Names of the place where a flow was written, then of the place where it is used; defaults are those of the latter."""

    __slots__ = ("written",)
    outer: Environment

    def __init__(self, written: Environment, place: Environment):
        super().__init__(place, unit=written.unit)
        self.written = written

    def find(self, name: str):
        found = None if name in CURRENT else self.written.find(name)
        return self.outer.find(name) if found is None else found

    def has(self, name: str) -> bool:
        return self.written.has(name) or self.outer.has(name)


CURRENT = ("index", "part", "channels", "in_channels")
