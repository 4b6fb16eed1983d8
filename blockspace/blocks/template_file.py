"""File: one block or one network as written, checked as far as it can be without values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from blockspace.blocks.foreign_names import find_step
from blockspace.blocks.library_files import find_file, list_names
from blockspace.blocks.parameters import (
    Param,
    check_word,
    get_text,
    is_list_value,
    read_section,
    suggest_domain,
    title_mistakes,
)
from blockspace.blocks.syntax import (
    DEFAULTS,
    MOST_MISTAKES,
    STEP_KEYS,
    BadStep,
    BlockStep,
    FlowStep,
    IfStep,
    LoopStep,
    SplitStep,
    is_operation,
    is_value,
    parse_flow,
    refuse_unknown_keys,
    suggest_word,
    unknown_key_mistake,
)
from blockspace.blocks.variants import Variant, build_member_root, check_reference, read_variants, unknown_variant_mistake, variant_mistakes
from blockspace.errors import BlockspaceError, Mark, Mistake, did_you_mean, error
from blockspace.inputs import expand_path
from blockspace.reader import Map, Node, Scalar, Seq, read_yaml

LISTS = ("sizes", "shares")  # what a split takes a list for
FORMATS = {"blockspace/block/1": "block", "blockspace/network/1": "network"}
SHARED_KEYS = ("format", "doc", "paper", "reference", "params", "let", "require", "defaults", "blocks", "parts")
KEYS = {
    "block": ("block", "equation", *SHARED_KEYS, "flow"),
    "network": ("network", *SHARED_KEYS, "variants", "input", "stem", "stages", "head"),
}


class BlockUnit:
    """Something a step can call: params, lets, rules, defaults and a flow; a file, or a part of one."""

    def __init__(self, file: TemplateFile, name: str, node: Map, owner: BlockUnit | None = None):
        self.file, self.name, self.owner, self.mark = file, name, owner, node.mark
        self.params = {key: Param(key, value, mark) for key, value, mark in read_section(node.get("params"), "params")}
        self.lets = {key: value for key, value, _ in read_section(node.get("let"), "let")}
        required = node.get("require")
        self.requires = required.items if isinstance(required, Seq) else [required] if required is not None else []
        self.defaults = {key: value for key, value, _ in read_section(node.get("defaults"), "defaults")}
        self.flow: Node = node.get("flow") or Seq([], node.mark)  # empty in a network
        if isinstance(defaults := node.get("defaults"), Map):
            refuse_unknown_keys(defaults, DEFAULTS, "defaults")
        self._check_names(node)

    def _check_names(self, node: Map) -> None:
        for section in ("params", "let"):
            for key, _, mark in read_section(node.get(section), section):
                check_word(key, mark, "a param")
                if section == "let" and key in self.params:
                    raise error("E-NAME", f"{key!r} is a param and a let", mark, "rename one")

    def unit(self, word: str) -> BlockUnit | None:
        """Return the part, imported block or library block called `word`, loaded when first asked for; None without one."""
        return self.file.unit(word)

    def unit_names(self) -> list[str]:
        """Return the names of all parts and blocks that steps can call."""
        return self.file.unit_names()

    def declares(self, name: str) -> bool:
        """Return whether expressions here may read `name` as a param or let of this unit or its file."""
        return name in self.params or name in self.lets or (self.owner is not None and self.owner.declares(name))

    def flows(self) -> list[Node]:
        """Return every flow of the unit, with those that params hold."""
        held: list[Node] = [p.default for p in self.params.values() if isinstance(p.default, Seq)]
        for param in self.params.values():
            if isinstance(param.search, Map):
                held += [v for v in param.search.items.values() if isinstance(v, (Seq, Map)) and not is_value(v)]
        return [self.flow, *(node for node in held if not is_list_value(node))]


class TemplateFile(BlockUnit):
    """A block or network file; or one member of a network's family, as if it were written alone."""

    def __init__(self, node: Node, path: str, family: TemplateFile | None = None):
        if not isinstance(node, Map):
            raise error("E-YAML", "a block or network file is a mapping", node.mark, "start with `format: blockspace/block/1`")
        self.path = path
        self.modified = os.path.getmtime(path) if os.path.exists(path) else 0.0
        self.kind = self._kind(node)
        self.root = node
        self.family = family or self
        refuse_unknown_keys(node, KEYS[self.kind], f"a {self.kind} file")
        self.parts: dict[str, BlockUnit] = {}
        self.mistakes: tuple[Mistake, ...] = ()
        self._units: dict[str, BlockUnit | None] = {}
        self.imports = {key: (value, mark) for key, value, mark in read_section(node.get("blocks"), "blocks")}
        super().__init__(self, self._name(node), node)
        self.doc, self.paper = get_text(node.get("doc")), get_text(node.get("paper"))
        self.reference, self.equation = get_text(node.get("reference")), get_text(node.get("equation"))
        self.variants: dict[str, Variant] = self.family.variants if family else read_variants(node.get("variants"))
        self._members: dict[tuple[str, frozenset[str]], TemplateFile] = {}
        for key, value, mark in read_section(node.get("parts"), "parts"):
            self._check_unit_name(key, mark)
            self.parts[key] = BlockUnit(self, key, normalize_part(value), owner=self)
        for key, (_, mark) in self.imports.items():
            self._check_unit_name(key, mark)
            if key in self.parts:
                raise error("E-NAME", f"{key!r} is a part and a block of this file", mark, "rename one")
        self.input = node.get("input")
        self.sections = {key: node.items[key] for key in ("stem", "stages", "head") if key in node}
        self._require(node)

    def _kind(self, node: Map) -> str:
        given = node.get("format")
        if isinstance(given, Scalar) and given.text in FORMATS:
            return FORMATS[given.text]
        mark = given.mark if given else node.mark
        what = f"unknown format {given.text!r}" if isinstance(given, Scalar) and given.text else "the file does not say its format"
        if isinstance(given, Scalar) and given.text.startswith("blockspace/study/") or given is None and "study" in node:
            help = "`blockspace check` and `search` read it; its `space:` names the network"
            raise error("E-KEY", "this is a study, not a block or network", mark, help)
        near = did_you_mean(given.text, FORMATS) if isinstance(given, Scalar) else None
        known = f"the first line is `format: {'` or `format: '.join(FORMATS)}`"
        raise error("E-KEY", what, mark, f"{near} {known}" if near else known)

    def _name(self, node: Map) -> str:
        name = node.get(self.kind)
        if not isinstance(name, Scalar):
            raise error("E-KEY", f"the file does not name its {self.kind}", node.mark, f"add `{self.kind}: my_name`")
        if found := title_mistakes(name.text, name.mark):
            raise BlockspaceError(*found)
        return name.text

    def _require(self, node: Map) -> None:
        if self.kind == "block" and "flow" not in node:
            raise error("E-KEY", f"block {self.name!r} has no flow", node.mark, "add `flow:` with a list of steps")
        if self.kind == "network" and not self.sections:
            raise error("E-KEY", f"network {self.name!r} has no stages", node.mark, "add `stages:`")

    def _check_unit_name(self, name: str, mark: Mark) -> None:
        if is_operation(name):
            raise error("E-SHADOW", f"{name!r} is an operation of the grammar", mark, "choose another name")
        if find_file(name, "block"):
            raise error("E-SHADOW", f"{name!r} is a block of the library", mark, f"choose another name, such as my_{name}")
        if name in STEP_KEYS:
            raise error("E-WORD", f"{name!r} is a word of the grammar and cannot be a block or part", mark, "choose another name")
        check_word(name, mark, "a block or part")

    def unit(self, word: str) -> BlockUnit | None:
        """Return the part, imported block or library block called `word`, loaded when first asked for; None without one."""
        if word not in self._units:
            self._units[word] = self._unit(word)
        return self._units[word]

    def _unit(self, word: str) -> BlockUnit | None:
        if word in self.parts:
            return self.parts[word]
        if word in self.imports:
            value, mark = self.imports[word]
            file = read_inline(word, value, self) if isinstance(value, Map) else read_import(value, mark, self.path)
            if file.mistakes:
                raise BlockspaceError(*file.mistakes)
            return file
        path = find_file(word, "block")
        if path:
            return read_template_file(path)
        return self if self.kind == "block" and word == self.name else None

    @property
    def imported(self) -> dict[str, TemplateFile]:
        """Return the block files it imports, by the words they have here."""
        return {word: unit for word in self.imports if isinstance(unit := self.unit(word), TemplateFile)}

    def walk_imports(self, seen: set[tuple[str, str]] | None = None) -> Iterator[tuple[tuple[str, ...], TemplateFile]]:
        """Yield every block file that it or one of these imports, once, with the words that lead there first."""
        seen = set() if seen is None else seen
        for word, file in self.imported.items():
            if (file.path, file.name) not in seen:
                seen.add((file.path, file.name))
                yield (word,), file
                yield from (((word, *words), inner) for words, inner in file.walk_imports(seen))

    def fresh(self) -> bool:
        """Return whether the files it imports are unchanged since they were read."""
        own = [unit for word, unit in self._units.items() if word in self.imports and isinstance(unit, TemplateFile)]
        return all(os.path.exists(f.path) and os.path.getmtime(f.path) == f.modified and f.fresh() for f in own)

    def unit_names(self) -> list[str]:
        """Return the names of all parts and blocks that steps can call."""
        return [*self.parts, *self.imports, *list_names("block")]

    def units(self) -> list[BlockUnit]:
        """Return the file itself and its parts."""
        return [self, *self.parts.values()]

    def member(self, name: str, given: Iterable[str] = ()) -> TemplateFile:
        """Return the member of the family called `name`: a variant, or the network that the file is written for. Raises E-OP.

        Params that are `given` a value elsewhere stay as the family declares them, since a value may be the name of an alternative.
        """
        family = self.family
        if name == family.name:
            return family
        if name not in family.variants:
            raise BlockspaceError(unknown_variant_mistake(name, family.name, family.variants))
        variant = family.variants[name]
        own = frozenset(variant.settings) - frozenset(given)
        if (name, own) not in family._members:
            root = build_member_root(family.root, family.name, variant, {key: p for key, p in family.params.items() if key in own})
            family._members[name, own] = TemplateFile(root, family.path, family).check()
        return family._members[name, own]

    def check(self) -> TemplateFile:
        """Read every flow of the file; `mistakes` is what is wrong whatever the values."""
        mistakes = check_reference(self.root.get("reference"), self.kind)
        mistakes += variant_mistakes(self.variants, self.name, self.params, self.path) if self.family is self else self.family.mistakes
        for unit in self.units():
            sections = list(self.sections.values()) if unit is self else []
            if len(mistakes) >= MOST_MISTAKES:
                break
            for node in [*sections, *unit.flows()]:
                check_flow(node, unit, mistakes)
            mistakes += long_list_mistakes(unit, self.root)
        self.mistakes = tuple(dict.fromkeys(mistakes))
        return self


def long_list_mistakes(unit: BlockUnit, root: Map) -> list[Mistake]:
    """Return E-TYPE for params that are a list of numbers nothing takes: a pair is a size, a longer list the `sizes:` of a split."""
    lists = [(param, param.default) for param in unit.params.values() if isinstance(param.default, Seq) and is_list_value(param.default)]
    what = "param {!r} is a list of {} numbers, which nothing takes"
    return [
        Mistake("E-TYPE", what.format(param.name, len(node.items)), node.mark, suggest_domain(node))
        for param, node in lists
        if len(node.items) != 2 and not mentions_as_sizes(root, param.name)
    ]


def mentions_as_sizes(node: Node, name: str) -> bool:
    """Return whether `name` stands for the sizes or shares of a split somewhere below `node`, or for a setting of the same name."""
    if isinstance(node, Seq):
        return any(mentions_as_sizes(item, name) for item in node.items)
    if not isinstance(node, Map):
        return False
    return any(
        key in (*LISTS, name) and get_text(value) == name or mentions_as_sizes(value, name) for key, value in node.items.items()
    )


def normalize_part(node: Node) -> Map:
    """Return a part, given as a flow or as `{params, flow, ...}`, as the latter."""
    if isinstance(node, Map) and "flow" in node:
        refuse_unknown_keys(node, ("params", "let", "require", "defaults", "flow", "doc"), "a part")
        return node
    twin = Map(node.mark)
    twin.items["flow"], twin.keys["flow"] = node, node.mark
    return twin


def check_flow(node: Node, unit: BlockUnit, mistakes: list[Mistake]) -> None:
    """Read a flow and all flows inside it, collecting mistakes."""
    for step in parse_flow(node, unit):
        if len(mistakes) >= MOST_MISTAKES:
            return
        if isinstance(step, BadStep):
            mistakes.extend(step.mistakes)
            continue
        for inner in list_inner_flows(step):
            check_flow(inner, unit, mistakes)
        if isinstance(step, BlockStep):
            mistakes.extend(unknown_setting_mistakes(step, unit))


def list_inner_flows(step: FlowStep) -> list[Node]:
    """Return the flows that a step holds."""
    if isinstance(step, LoopStep):
        return [step.do]
    if isinstance(step, IfStep):
        return [n for n in (step.then, step.otherwise) if n is not None and not get_text(n) == "none"]
    if isinstance(step, SplitStep):
        branches = list(step.branches.items.values()) if isinstance(step.branches, Map) else []
        keep = list(step.keep.items.values()) if isinstance(step.keep, Map) and not is_value(step.keep) else []
        nodes = branches + keep + ([step.each] if step.each is not None else [])
        return [n for n in nodes if isinstance(n, (Seq, Map)) and not is_value(n)]
    if isinstance(step, BlockStep) and isinstance(step.what, (Seq, Map)) and not is_value(step.what):
        return [step.what]
    return []


def unknown_setting_mistakes(step: BlockStep, unit: BlockUnit) -> list[Mistake]:
    """Return E-KEY for settings beside a block that it does not declare."""
    if not isinstance(step.what, Scalar):
        return []
    try:
        target = unit.unit(step.what.text)
    except BlockspaceError as e:
        return list(e.mistakes)
    if target is None:
        if not unit.declares(step.what.text) and not is_operation(step.what.text):
            known = [*unit.unit_names(), *unit.params]
            step_to_write = find_step(step.what.text)
            help = f"write the step `{step_to_write}` instead" if step_to_write else suggest_word(step.what.text, known)
            return [Mistake("E-OP", f"unknown block {step.what.text!r}", step.what.mark, help or "`blockspace ls --blocks` lists blocks")]
        return []
    allowed = list(target.params)
    bad = [key for key in step.settings if key not in target.params and key != "stride"]
    return [unknown_key_mistake(key, step.settings[key].key, allowed, step.what.text) for key in bad]


_FILES: dict[tuple[str, float], TemplateFile] = {}
_LOADING: list[str] = []


def read_template_file(path: str) -> TemplateFile:
    """Return the file at `path`, read and checked once per content. Raises BlockspaceError."""
    path = os.path.abspath(path)
    stamp = (path, os.path.getmtime(path)) if os.path.exists(path) else (path, 0.0)
    if stamp in _FILES and _FILES[stamp].fresh():
        return _FILES[stamp]
    if path in _LOADING:
        chain = " -> ".join(os.path.basename(p) for p in [*_LOADING, path])
        help = "a file cannot import itself, even under `if`: a block may call itself by its own name, and so may a part"
        raise error("E-RECURSION", f"blocks that contain themselves: {chain}", help=help)
    _LOADING.append(path)
    try:
        _FILES[stamp] = TemplateFile(read_yaml(shorten_path(path)), path).check()
    finally:
        _LOADING.pop()
    return _FILES[stamp]


def shorten_path(path: str) -> str:
    """Return the path as errors show it: relative when it is below the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def read_inline(word: str, node: Map, around: TemplateFile) -> TemplateFile:
    """Return the block that `blocks:` of the file `around` holds under `word`: as a block file has it, which may leave out its name."""
    root = Map(node.mark)
    root.items = {"format": Scalar("blockspace/block/1", node.mark), "block": Scalar(word, node.key), **node.items}
    root.keys = {"format": node.mark, "block": node.key, **node.keys}
    return TemplateFile(root, around.path).check()


def read_import(node: Node, mark: Mark, base: str) -> TemplateFile:
    """Return the block file named in `blocks:`, relative to the file that names it. Raises E-TYPE, E-FILE, E-OP."""
    if not isinstance(node, Scalar):
        raise error("E-TYPE", "`blocks:` maps a name to a file, or to a block", node.mark, "my_block: ./my_block.yaml")
    try:
        path = os.path.join(os.path.dirname(base), expand_path(node.text))
    except BlockspaceError as e:
        raise e.at(node.mark) from None
    if not os.path.isfile(path):
        raise error("E-FILE", f"no file {node.text!r} beside {os.path.basename(base)}", node.mark)
    file = read_template_file(path)
    if file.kind != "block":
        raise error("E-OP", f"{node.text!r} holds a {file.kind}, not a block", node.mark)
    return file
