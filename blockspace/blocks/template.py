"""Block and Network: named templates. With values for their params and an input shape they expand to a Graph."""

from __future__ import annotations

from functools import cached_property

from blockspace.blocks import syntax
from blockspace.blocks.expand import Expansion
from blockspace.blocks.file import File
from blockspace.blocks.frame import Frame, UnitEnv
from blockspace.blocks.holes import Holes
from blockspace.blocks.reader import Map, Node, Scalar, Seq
from blockspace.blocks.syntax import BlockStep
from blockspace.blocks.values import UNKNOWN, Env, integer
from blockspace.errors import BlockspaceError, Mark, Source, did_you_mean, error
from blockspace.graph import Graph
from blockspace.ops import Shape


class Template:
    """What a file and the settings given to it describe; `graph()` expands it."""

    def __init__(self, file: File, settings: dict | None = None):
        self.file = file
        self.settings = settings or {}
        for key in self.settings:
            if key not in file.params:
                hint = did_you_mean(key, file.params)
                raise error("E-KEY", f"{file.name} has no param {key!r}", help=f"{hint + ' ' if hint else ''}known: {', '.join(file.params) or 'none'}")

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def doc(self) -> str:
        return self.file.doc

    @property
    def params(self) -> dict[str, str]:
        """Each param and what it is, as given or as written."""
        return {key: str(self.settings.get(key, param.default)) for key, param in self.file.params.items()}

    @cached_property
    def holes(self) -> Holes:
        """The places left open."""
        return Holes(self.file)

    def __call__(self, **settings) -> Template:
        """The same template with more params bound."""
        return type(self)(self.file, self.settings | settings)

    def _expand(self, shape: Shape, values: dict | None) -> Graph:
        run = Expansion(self.holes, values or {}, shape)
        try:
            run.graph.output = self._run(run)
        except BlockspaceError as e:
            run.report(e, self.file.mark, "")
        if run.mistakes:
            raise BlockspaceError(*run.mistakes.values())
        return run.graph.verify()

    def _given(self, run: Expansion) -> tuple[dict, Env]:
        """The settings as nodes, read where only words and numbers are known."""
        place = Env(None, {}, self.file, run)
        return {key: (to_node(key, found), place) for key, found in self.settings.items()}, place

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return f"<{type(self).__name__} {self.name}({given})>"


class Block(Template):
    """A block: expands for any input shape."""

    def graph(self, shape: Shape, values: dict | None = None) -> Graph:
        """The block for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""
        return self._expand(tuple(shape), values)

    def _run(self, run: Expansion):
        settings, place = self._given(run)
        run._check_settings(self.file, settings)
        env = run._bound(self.file, settings, place, "input")
        run._require(self.file, env, "")
        return run.flow(self.file.flow, Frame(env, {"input": "input"}, ""), "input")


class Network(Template):
    """A network: stem, stages, head, with an input shape of its own."""

    @cached_property
    def input_shape(self) -> Shape:
        """`(C, H, W)` as the file gives it."""
        node = self.file.input
        if node is None:
            raise error("E-KEY", f"network {self.name!r} has no `input:`", self.file.mark, "input: [3, 224, 224]")
        if not isinstance(node, Seq) or len(node.items) != 3:
            raise error("E-TYPE", "`input:` is [channels, height, width]", node.mark)
        place = Env(None, {}, self.file, Expansion(self.holes, {}, (1, 1, 1)))
        return tuple(integer(item, place, "input") for item in node.items)

    def graph(self, shape: Shape | None = None, values: dict | None = None) -> Graph:
        """The network for an input of `(C, H, W)` (its own by default); `values` fills holes by name. Raises BlockspaceError."""
        return self._expand(tuple(shape) if shape else self.input_shape, values)

    def _run(self, run: Expansion):
        settings, place = self._given(run)
        env = run._bound(self.file, settings, place, "input")
        run._require(self.file, env, "")
        source = "input"
        for section, node in self.file.sections.items():
            source = self._stages(run, env, node, source) if section == "stages" else self._section(run, env, section, node, source)
        return source if source is not UNKNOWN else "input"

    def _section(self, run: Expansion, env: UnitEnv, section: str, node: Node, source):
        return run.flow(node, Frame(env, {"input": "input"}, section), source)

    def _stages(self, run: Expansion, env: UnitEnv, node: Node, source):
        """Each `block:` step is a stage, named or numbered."""
        values, count = {"input": "input"}, 0
        for step in syntax.flow(node, self.file):
            staged = isinstance(step, BlockStep) and step.staged
            count += staged
            label = (step.name or f"stage{count}") if staged else None
            source = run.step(step, Frame(env, values, "", label), source)
        return source


def to_node(key: str, found) -> Node:
    """A Python value given to `load` as the node YAML would have made of it."""
    mark = Mark(Source(f"<{key}>", str(found)), 1, 1)
    if isinstance(found, (list, tuple)):
        return Seq([to_node(key, item) for item in found], mark)
    if isinstance(found, dict):
        node = Map(mark)
        node.items = {str(k): to_node(key, v) for k, v in found.items()}
        node.keys = {str(k): mark for k in found}
        return node
    if isinstance(found, bool):
        return Scalar(str(found).lower(), mark)
    return Scalar(repr(found) if isinstance(found, float) else str(found), mark)
