"""Evaluate YAML nodes: what a node means where it is used, with names looked up in lexically nested environments."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeAlias, final

from blockspace.blocks.expression import compile_expression
from blockspace.blocks.parameters import Param, format_list, is_list_value
from blockspace.blocks.syntax import CONDITION_KEYS, RESERVED, is_operation, refuse_unknown_keys, suggest_word
from blockspace.blocks.template_file import BlockUnit
from blockspace.errors import BlockspaceError, Mark, Mistake, error, list_known
from blockspace.reader import Map, Node, Scalar, Seq
from blockspace.units import NETWORK_NUMBER, is_number, parse_measure, parse_number, split_measure

if TYPE_CHECKING:
    from fractions import Fraction


MAX_CHAIN = 64  # names that read each other, one after the other


class Invalid(Enum):
    """Markers in place of a value: `INVALID` after a mistake, `PART_LIST` for a list of parts."""

    INVALID = "invalid"
    PART_LIST = "a list of parts"


INVALID: Final = Invalid.INVALID  # the mistake is reported already: steps that read it report nothing more
PART_LIST: Final = Invalid.PART_LIST  # the channels of several values: to read them is a mistake
Value: TypeAlias = "int | Fraction | str | Alternative | FlowValue | Invalid"
Settings: TypeAlias = "dict[str, tuple[Node, LexicalScope]]"  # each setting with the names it is read in


class ValueContext(Protocol):
    """The expansion that answers for searched and solved values, and is told which settings are read.

    `chain` counts the names that are being evaluated, each read by the one before it; `exhausted` says that a limit was passed.
    """

    chain: int
    exhausted: bool

    def read_hole(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `search:` mapping."""

    def read_unknown(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `solve:` mapping."""

    def observe_setting(self, settings: object, key: str, found: object) -> None:
        """Take note that a setting of an operation was read."""


class InvalidRead(Exception):
    """Raised where an INVALID value is read; its mistake is reported already."""


class FlowValue:
    """A flow, or a list of numbers, as a value: its node, and the environment in which its names are looked up.

    A list of numbers, such as the stride `[2, 1]`, equals a number when all of its own do, and is larger or smaller as its largest is.
    """

    __slots__ = ("node", "env")

    def __init__(self, node: Node, env: LexicalScope):
        self.node, self.env = node, env

    @property
    def numbers(self) -> list[Value]:
        """Return the numbers of a list; none of a flow."""
        listed = isinstance(self.node, Seq) and is_list_value(self.node)
        return [evaluate_node(item, self.env) for item in self.node.items] if listed and isinstance(self.node, Seq) else []

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlowValue):
            return self.node is other.node or bool(self.numbers) and self.numbers == other.numbers
        return bool(self.numbers) and all(number == other for number in self.numbers)

    def __hash__(self) -> int:
        return id(self.node)

    def _compared(self, other: object, test: Callable[[Any, Any], bool]) -> bool:
        numbers: list[Any] = list(self.numbers)
        theirs: list[Any] = other.numbers if isinstance(other, FlowValue) else [other]
        if not numbers or not theirs or not all(is_number(number) for number in (*numbers, *theirs)):
            raise TypeError("a flow is neither more nor less than another value")
        return test(*(max(values) for values in (numbers, theirs)))

    def __lt__(self, other: object) -> bool:
        return self._compared(other, operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compared(other, operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compared(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compared(other, operator.ge)

    def __repr__(self) -> str:
        if isinstance(self.node, Seq) and is_list_value(self.node):
            return format_list(self.node)
        return f"flow of line {self.node.mark.line}"


class Alternative:
    """A named alternative of a param; compares equal to its name, and its node is evaluated where it is used."""

    __slots__ = ("name", "node", "env")

    def __init__(self, name: str, node: Node, env: LexicalScope):
        self.name, self.node, self.env = name, node, env

    def __eq__(self, other: object) -> bool:
        return other == self.name if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


@final
class Thunk:
    """A node and its environment, evaluated when its name is first looked up."""

    __slots__ = ("node", "env")

    def __init__(self, node: Node, env: LexicalScope):
        self.node, self.env = node, env


_BUSY = Thunk.__new__(Thunk)  # marks a name while it is being evaluated, to detect circles


class LexicalScope:
    """Names and their values: a table, and the environment around it. `unit` is the file or part whose text is being read."""

    __slots__ = ("table", "outer", "unit", "context")

    def __init__(
        self,
        outer: LexicalScope | None = None,
        table: Mapping[str, Value | Thunk] | None = None,
        unit: BlockUnit | None = None,
        context: ValueContext | None = None,
    ):
        self.outer = outer
        self.table: dict[str, Value | Thunk] = dict(table) if table is not None else {}
        if unit is None or context is None:
            assert outer is not None, "an outermost environment has a unit and a context"
            unit, context = unit or outer.unit, context or outer.context
        self.unit: BlockUnit = unit
        self.context: ValueContext = context

    def find(self, name: str) -> Value | None:
        """Return the value of `name`, or None when no environment has it."""
        if name in self.table:
            found = self.table[name]
            return self.force(name, found) if type(found) is Thunk else found
        return self.outer.find(name) if self.outer is not None else None

    def force(self, name: str, thunk: Thunk) -> Value:
        """Evaluate a thunk and keep its value. Raises E-RECURSION for a name that depends on itself."""
        if thunk is _BUSY:
            raise error("E-RECURSION", f"{name!r} depends on itself")
        context = self.context
        if context.chain >= MAX_CHAIN:
            context.exhausted = True
            raise error("E-RECURSION", f"{name!r} is the last of a chain of more than {MAX_CHAIN} names that read each other")
        self.table[name] = _BUSY
        context.chain += 1
        try:
            result = evaluate_node(thunk.node, thunk.env)
        except BaseException:
            self.table[name] = thunk
            raise
        finally:
            context.chain -= 1
        self.table[name] = result
        return result

    def has(self, name: str) -> bool:
        """Return whether this environment or one around it has `name`."""
        return name in self.table or (self.outer is not None and self.outer.has(name))

    def lookup(self, name: str) -> int | Fraction | str | Alternative | FlowValue:
        """Return the value of `name` in an expression.

        Raises E-NAME with the names known here, E-REF for the channels of a list of parts, InvalidRead for an unknown value.
        """
        found = self.find(name)
        if found is None:
            return self.word(name)
        if found is INVALID:
            raise InvalidRead
        if found is PART_LIST:
            help = "give the split before it a `merge:`, or take a part (`from: x[1]`)"
            raise error("E-REF", f"a list of parts has no {name!r}", help=help)
        return found

    def word(self, name: str) -> bool | str:
        """Return the meaning of a word of the grammar, or of some param's own `search:`, that stands in an expression."""
        if name in ("true", "false"):
            return name == "true"
        if name in RESERVED or any(name in param.entries() for param in self.params()):
            return name
        raise error("E-NAME", f"unknown name {name!r}", help=self.suggestion(name))

    def params(self) -> list[Param]:
        """Return the params of the file being read and of its parts: what is listed for one may be handed on by another."""
        return [param for unit in self.unit.file.units() for param in unit.params.values()]

    def suggestion(self, name: str) -> str:
        """Return the next step for an unknown name."""
        if name.lower() in ("yes", "no", "on", "off"):
            return "write true or false"
        known = self.known()
        hint = suggest_word(name, known)
        listed = list_known(known)
        return f"{hint} {listed}" if hint else listed

    def known(self) -> list[str]:
        """Return the names that expressions can read here."""
        names: set[str] = set()
        env: LexicalScope | None = self
        while env is not None:
            names.update(env.table)
            env = env.outer
        return sorted(names - {"input", "prev"})


class ArgumentScope(LexicalScope):
    """The names an argument may read: the caller's, and those siblings that the caller does not define; never the argument itself.

    A name that both define is an error unless both mean the same value. `home` are the names of the block that takes the argument, in
    which what it inherits is read.
    """

    __slots__ = ("settings", "asked", "home")
    outer: LexicalScope

    def __init__(self, caller: LexicalScope, settings: Settings, *asked: str, home: LexicalScope | None = None):
        super().__init__(caller)
        self.settings, self.asked, self.home = settings, asked, home  # the arguments being read, this one first

    def inherited(self) -> tuple[Param, LexicalScope] | None:
        """Return the param that the argument is for, and the names its declaration is read in; None where no block takes it."""
        param = self.home.unit.params.get(self.asked[0]) if self.home is not None else None
        return (param, self.home) if param is not None and self.home is not None else None

    def find(self, name: str) -> Value | None:
        """Return the value of `name`: the caller's, else a sibling's. Raises E-NAME where both define it differently."""
        ours = self.outer.find(name)
        if name == self.asked[0] or name not in self.settings:
            return ours
        if name in self.asked:
            return self._circular(name) if ours is None else ours
        node, env = self.settings[name]
        sibling = evaluate_node(node, ArgumentScope(env, self.settings, name, *self.asked))
        if ours is None or sibling is None or ours is INVALID:
            return sibling if ours is None else ours
        if sibling != ours:
            message = f"{name!r} is both a name in this scope ({ours}) and a setting of the same step ({sibling})"
            raise error("E-NAME", message, node.mark, "rename one of them")
        return ours

    def _circular(self, name: str) -> NoReturn:
        chain = " -> ".join([name, *self.asked[: self.asked.index(name) + 1][::-1][1:], name])
        raise error("E-RECURSION", f"settings that depend on each other: {chain}")


def evaluate_node(node: Node, env: LexicalScope) -> Value:
    """Return the value of `node` in `env`: int, Fraction, bool, a word, a Choice, or a Flow.

    Raises BlockspaceError marked with the node's place.
    """
    if isinstance(node, Scalar):
        try:
            return evaluate_scalar(node, env)
        except BlockspaceError as e:
            raise locate_in_expression(node, e) from None
    if isinstance(node, Map):
        if "search" in node:
            return env.context.read_hole(node, env)
        if "solve" in node:
            return env.context.read_unknown(node, env)
        if "if" in node and "then" in node:
            refuse_unknown_keys(node, CONDITION_KEYS, "a condition")
            return evaluate_conditional(node, env)
        if "default" in node and set(node.items) <= {"default", "doc", "words"}:
            return evaluate_node(node.items["default"], env)
    return FlowValue(node, env)


def locate_in_expression(node: Scalar, e: BlockspaceError) -> BlockspaceError:
    """Return the error with a place for each mistake: the name it is about, else the start of the expression."""
    return type(e)(*(m if m.mark else locate_mistake(node, m) for m in e.mistakes))


def locate_mistake(node: Scalar, mistake: Mistake) -> Mistake:
    """Return the mistake with its place in an expression; the message quotes the expression where it is short."""
    shown = len(node.text) > 60 or node.text.isidentifier() or repr(node.text) in mistake.message
    message = mistake.message if shown else f"{mistake.message} in {node.text!r}"
    about = re.match(r"unknown name '(\w+)'", mistake.message)
    found = re.search(rf"\b{about[1]}\b", node.text) if about else None
    mark = node.mark
    if found:
        mark = Mark(mark.source, mark.line, mark.column + node.quoted + found.start(), len(found[0]))
    return Mistake(mistake.code, message, mark, mistake.help)


def evaluate_conditional(node: Map, env: LexicalScope) -> Value:
    """Return the value of an `{if, then, else}`; "none" where the branch is left out."""
    chosen = "then" if evaluate_condition(node.items["if"], env) else "else"
    if chosen not in node:
        return "none"
    return evaluate_node(node.items[chosen], env)


def evaluate_scalar(node: Scalar, env: LexicalScope) -> Value:
    """Return the value of a word, a number, an operation that stands as a flow, or an expression."""
    parsed = node.parsed
    if parsed is None:
        parsed = node.parsed = classify_scalar(node.text)
    kind, content = parsed
    if kind == "constant":
        constant: Value = content
        return constant
    if kind == "name":
        found = env.find(content)
        if found is None and (is_operation(content) or env.unit.unit(content)):
            return FlowValue(node, env)
    result: Value = content.value(env.lookup) if kind == "expression" else env.lookup(content)
    return result


def classify_scalar(text: str) -> tuple[str, Any]:
    """Return how a text is read (constant, name or expression) and its content; decided once a node."""
    if text in ("true", "false"):
        return "constant", text == "true"
    if text in RESERVED:
        return "constant", text
    literal = parse_number(text)
    if literal is not None:
        return "constant", literal
    if text.isidentifier():
        return "name", text
    if split_measure(text):  # a unit that no number here takes: more can be said than that it is not an expression
        parse_measure(text, NETWORK_NUMBER)
    return "expression", compile_expression(text)


def evaluate_condition(node: Node, env: LexicalScope) -> bool:
    """Return the truth of a condition; an integer counts by its truth. Raises E-TYPE."""
    found = evaluate_node(node, env)
    if isinstance(found, (bool, int)):
        return bool(found)
    raise error("E-TYPE", f"a condition must be true or false, got {found}", node.mark)
