"""Network: a template of stem, stages and head, its top-level steps, and single blocks of its stages."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from blockspace.blocks import syntax
from blockspace.blocks.evaluate import INVALID, InvalidRead
from blockspace.blocks.expansion.context import Frame, StepValue, UnitScope
from blockspace.blocks.expansion.control_flow import bind_stage, make_scalar
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.hole_readers import find_input_holes
from blockspace.blocks.syntax import BlockStep, FlowStep
from blockspace.blocks.template import Template, Values
from blockspace.blocks.template_file import TemplateFile
from blockspace.blocks.typed_values import evaluate_integer
from blockspace.errors import BlockspaceError, error
from blockspace.extensions import load_extension
from blockspace.graph import Graph
from blockspace.ops import Shape
from blockspace.reader import Seq

if TYPE_CHECKING:
    from blockspace.records import TrainingDir, TrainingFacts


class Network(Template):
    """A network: stem, stages, head, with an input shape of its own.

    `folder` is that of its training or export, for a network that was loaded from one, as it is there.
    """

    def __init__(
        self, file: TemplateFile, settings: dict[str, Any] | None = None, shape: Shape | None = None, folder: TrainingDir | None = None
    ):
        super().__init__(file, settings, shape)
        self.folder = folder

    @property
    def trained(self) -> TrainingFacts | None:
        """Return what is known of its training: recipe, data, classes, results; None for a network that comes from none."""
        found: TrainingFacts | None = load_extension("network_facts")(self.folder) if self.folder is not None else None
        return found

    @property
    def variants(self) -> list[str]:
        """Return the names of its family besides the one the file is written for."""
        return list(self.file.variants)

    @cached_property
    def input_shape(self) -> Shape:
        """Return `(C, H, W)`, as set by the data, else as the file has it, holes at their defaults. Raises E-KEY, E-TYPE."""
        return self.shape_under({})

    def shape_under(self, values: Values) -> Shape:
        """Return `(C, H, W)` with holes and unknowns filled by `values`: the data's, else as the file has it. Raises E-KEY, E-TYPE."""
        if self.shape is not None:
            return self.shape
        node = self.file.input
        if node is None:
            raise error("E-KEY", f"network {self.name!r} has no `input:`", self.file.mark, "input: [3, 224, 224]")
        if not isinstance(node, Seq) or len(node.items) != 3:
            raise error("E-TYPE", "`input:` is [channels, height, width]", node.mark)
        context = Expansion(self.holes, {**self.filled, **values}, (1, 1, 1))
        names = self._names(context)  # params may size it, as EfficientNet's do
        try:
            return tuple(evaluate_integer(item, names, "input") for item in node.items)
        except InvalidRead:
            raise BlockspaceError(*context.mistakes.values()) from None

    @cached_property
    def sized_by(self) -> frozenset[str]:
        """Return the names of the holes and unknowns that the input's shape depends on; none where the data has set it."""
        return frozenset() if self.shape is not None else find_input_holes(self.holes)

    @property
    def usual_shape(self) -> Shape:
        """Return its own input shape."""
        return self.input_shape

    def fitted(self, shape: Shape, classes: int) -> Network:
        """Return the same network for data of this shape `(C, H, W)` and number of classes: data wins over the file."""
        bound = {"classes": classes} if "classes" in self.file.params else {}
        return Network(self.file, self.settings | self.filled | bound, tuple(shape))

    def graph(self, shape: Shape | None = None, values: Values | None = None) -> Graph:
        """Return the graph for an input of `(C, H, W)` (its own by default); `values` fills holes by name. Raises BlockspaceError."""
        if shape is None:
            try:
                shape = self.shape_under(values or {})
            except BlockspaceError as e:
                raise BlockspaceError(*dict.fromkeys([*self.file.mistakes, *e.mistakes])) from None
        return self._expand(shape, values)

    def _run(self, context: Expansion) -> StepValue:
        source: StepValue = "input"
        values: dict[str, StepValue] = {"input": "input"}
        env = self._names(context)
        if not context.check_requirements(self.file, env, ""):
            return INVALID
        for segment in self.segments:
            source = context.expand_step(segment.step, segment.frame(env, values), source)
        return source

    def _names(self, context: Expansion) -> UnitScope:
        """Return the scope of the network's own names for one expansion."""
        settings, place = self._given(context)
        return context.bind_unit(self.file, settings, place, "input")

    @cached_property
    def segments(self) -> list[Segment]:
        """Return the network's top-level steps in order; each `block:` step of `stages` is a stage, named or numbered."""
        found, stages = [], 0
        for section, node in self.file.sections.items():
            for position, step in enumerate(syntax.parse_flow(node, self.file)):
                staged = section == "stages" and isinstance(step, BlockStep) and step.staged
                stages += staged
                label = (step.name or f"stage{stages}") if staged else None
                names = [name for name, owner in self.holes.owners.items() if owner == (section, position)]
                found.append(Segment(self, step, "" if section == "stages" else section, label, frozenset(names)))
        return found

    @cached_property
    def separable(self) -> bool:
        """Return whether each top-level step reads only the value before it, so that costs of steps add up."""
        return all(s.step.source is None and s.step.as_ is None for s in self.segments)


class Segment:
    """One top-level step of a network. `own` are the holes and unknowns that only this step reads."""

    def __init__(self, network: Network, step: FlowStep, path: str, label: str | None, own: frozenset[str]):
        self.network, self.step, self.path, self.label, self.own = network, step, path, label, own

    def frame(self, env: UnitScope, values: dict[str, StepValue]) -> Frame:
        """Return the frame that the step is expanded in."""
        return Frame(env, values, self.path, self.label)

    def graph(self, shape: Shape, values: Values) -> Graph:
        """Return the graph of this step alone, for an input of `(C, H, W)`. Raises BlockspaceError."""
        values = {**self.network.filled, **values}
        context = Expansion(self.network.holes, values, shape)
        whole = Expansion(self.network.holes, values, self.network.shape_under(values))
        env = self.network._names(whole)
        whole.check_requirements(self.network.file, env, "")
        context.mistakes.update(whole.mistakes)
        output = context.expand_step(self.step, self.frame(env, {"input": INVALID}), "input")
        if context.mistakes:
            raise BlockspaceError(*context.mistakes.values())
        if not isinstance(output, str):
            raise error("E-SHAPE", f"{self.label or self.step.word} has no shape of its own", self.step.mark)
        context.graph.output = output
        return context.graph


class StageBlock:
    """The block of one stage of a network, expanded alone with an input, a width and a stride of its own."""

    def __init__(self, network: Network, segment: Segment):
        if not isinstance(segment.step, BlockStep) or segment.label is None:
            raise TypeError("a stage is a `block:` step with a label")
        self.network, self.step, self.label = network, segment.step, segment.label

    @property
    def name(self) -> str:
        """Return the stage's name, as `stage3`."""
        return self.label

    def expand(self, context: Expansion, given: dict[str, int]) -> StepValue:
        """Expand one block of the stage and return its output; `given` replace settings beside it (`out_channels`, `stride`)."""
        env = self.network._names(context)
        context.check_requirements(self.network.file, env, "")
        place, settings = bind_stage(context, self.step, env, 1, "input")
        for key, number in given.items():
            if key in settings:
                settings[key] = make_scalar(number, settings[key][0].mark), place
                place.table |= {key: number} if key == "stride" else {}
        return context.expand_callable(self.step.what, place, settings, "input", "", self.step.word, self.step.mark)

    def graph(self, shape: Shape, values: Values, given: dict[str, int]) -> Graph:
        """Return the graph of the block alone for an input of `(C, H, W)`, with holes and unknowns filled. Raises BlockspaceError."""
        context = Expansion(self.network.holes, {**self.network.filled, **values}, shape)
        output = self.expand(context, given)
        if context.mistakes:
            raise BlockspaceError(*context.mistakes.values())
        if not isinstance(output, str):
            raise error("E-REF", f"{self.name} ends in a list of parts", self.step.mark, "give its split a `merge:`")
        context.graph.output = output
        return context.graph.verify()


def list_stage_blocks(network: Network) -> list[StageBlock]:
    """Return the stages of a network whose blocks differ in more than width and stride; of those alike, one that strides."""
    found: dict[tuple[str, frozenset[str]], StageBlock] = {}
    for segment in sorted(network.segments, key=lambda one: "stride" not in getattr(one.step, "settings", ())):
        if isinstance(segment.step, BlockStep) and segment.step.staged and segment.label:
            found.setdefault((segment.step.word, frozenset(segment.step.settings) - {"stride"}), StageBlock(network, segment))
    return list(found.values())
