"""Variants: the other members of a network's family, each the settings of its params under the name it was published by; and references.

A `reference:` names the published model that a block or network equals, whose weights it takes: `torchvision:NAME`, `timm:NAME`, or `paper`
where neither has it. NAME is what the library calls the model; settings of its constructor may stand behind it, where the network has no
name of its own: `torchvision:resnet101(groups=32, width_per_group=16)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from blockspace.blocks.library_files import find_file
from blockspace.blocks.parameters import Param, get_text, read_section, title_mistakes
from blockspace.blocks.syntax import MOST_MISTAKES, suggest_word
from blockspace.errors import Mark, Mistake, did_you_mean, list_known
from blockspace.reader import Map, Node, Scalar

ABOUT = ("doc", "paper", "reference")  # what a variant says of itself, beside its settings
SETTING = "variant"  # the setting by which a member of a file's family is asked for

LIBRARIES = ("torchvision", "timm")
PAPER = "paper"
NETWORK = re.compile(rf"({'|'.join(LIBRARIES)}):([A-Za-z0-9][\w.-]*)(?:\((.{{0,200}})\))?")
BLOCK = re.compile(rf"({'|'.join(LIBRARIES)}):\s*\S.*")
FORMS = "`torchvision:NAME`, `timm:NAME`, or `paper`"


class Variant:
    """One member as written: its name, where it stands, its settings, and what it says of itself."""

    __slots__ = ("name", "mark", "node", "settings")

    def __init__(self, name: str, node: Node, mark: Mark):
        self.name, self.mark, self.node = name, mark, node
        items = node.items if isinstance(node, Map) else {}
        self.settings = {key: value for key, value in items.items() if key not in ABOUT}

    def about(self, key: str) -> str:
        """Return its own `doc`, `paper` or `reference`; empty when it has none."""
        return get_text(self.node.get(key)) if isinstance(self.node, Map) else ""

    def doc(self, family: str) -> str:
        """Return its `doc:`, else its settings: `resnet50 with blocks3 23`."""
        given = ", ".join(f"{key} {value!r}" for key, value in self.settings.items())
        return self.about("doc") or (f"{family} with {given}" if given else family)

    def reference(self, family: str) -> str:
        """Return its `reference:`, else the one derived from its family's."""
        return self.about("reference") or derive_reference(family, self.name)


def read_variants(node: Node | None) -> dict[str, Variant]:
    """Return the entries of `variants:` by name. Raises E-TYPE when it is not a mapping."""
    return {key: Variant(key, value, mark) for key, value, mark in read_section(node, "variants")}


def unknown_variant_mistake(name: str, family: str, variants: Iterable[str]) -> Mistake:
    """Return E-OP for a member that the family does not have."""
    known = [family, *variants]
    hint = did_you_mean(name, known)
    return Mistake("E-OP", f"{family} has no variant {name!r}", None, f"{hint + ' ' if hint else ''}{list_known(known, 'known')}")


def variant_mistakes(variants: dict[str, Variant], name: str, params: dict[str, Param], path: str) -> list[Mistake]:
    """Return the mistakes in the variants of the network `name` that do not depend on values."""
    found = [
        Mistake("E-WORD", f"{key!r} says {what} and cannot be a param of a network with variants", params[key].mark, "choose another name")
        for key, what in (*((key, "what a variant is") for key in ABOUT), (SETTING, "which variant is meant"))
        if variants and key in params
    ]
    for variant in variants.values():
        if len(found) >= MOST_MISTAKES:
            break
        found += variant_name_mistakes(variant, name, path)
        if not isinstance(variant.node, Map):
            help = f"write {variant.name}: {{{next(iter(params), 'param')}: value}}"
            found.append(Mistake("E-TYPE", f"variant {variant.name!r} is a mapping of settings", variant.mark, help))
            continue
        found += check_reference(variant.node.get("reference"), "network")
        unknown = [key for key in variant.settings if key not in params]
        found += [unknown_setting_mistake(key, variant.node.keys[key], variant, name, params) for key in unknown]
    return found


def unknown_setting_mistake(key: str, mark: Mark, variant: Variant, name: str, params: dict[str, Param]) -> Mistake:
    """Return E-KEY for a setting that the network does not declare."""
    known = [*params, *ABOUT]
    hint = suggest_word(key, known)
    help = f"{hint + ' ' if hint else ''}{list_known(known, 'known')}"
    return Mistake("E-KEY", f"variant {variant.name!r} sets {key!r}, which {name} does not declare", mark, help)


def variant_name_mistakes(variant: Variant, name: str, path: str) -> list[Mistake]:
    """Return E-NAME for an illegal name or the network's own, E-SHADOW for a name of the library that is not this file's."""
    if variant.name == name:
        return [Mistake("E-NAME", f"{name!r} is the network itself and cannot be a variant of it", variant.mark, "choose another name")]
    for kind in ("block", "network"):
        other = find_file(variant.name, kind)
        if other and other != path:
            help = f"choose another name, such as my_{variant.name}"
            return [Mistake("E-SHADOW", f"{variant.name!r} is a {kind} of the library", variant.mark, help)]
    return title_mistakes(variant.name, variant.mark)


def build_member_root(root: Map, family: str, variant: Variant, params: dict[str, Param]) -> Map:
    """Return the file's mapping as it would be written for one variant alone, which sets these of the file's params."""
    reference = variant.reference(get_text(root.get("reference")))
    said = {"network": variant.name, "doc": variant.doc(family), "paper": variant.about("paper"), "reference": reference}
    twin = Map(root.mark)
    twin.items = {key: value for key, value in root.items.items() if key != "variants"}
    twin.keys = dict(root.keys)
    for key, text in said.items():
        if text:
            twin.items[key], twin.keys[key] = Scalar(text, variant.mark), variant.mark
    if "params" in root:
        twin.items["params"] = build_member_params(root.items["params"], variant, params)
    return twin


def build_member_params(node: Node, variant: Variant, params: dict[str, Param]) -> Node:
    """Return the `params:` with the variant's settings as defaults."""
    if not isinstance(node, Map):
        return node
    twin = Map(node.mark)
    twin.keys = node.keys
    twin.items = {
        key: params[key].bound(variant.settings[key]) if key in params else value for key, value in node.items.items()
    }
    return twin


class ModelReference(NamedTuple):
    """A library's model: which library, the constructor's name, and its settings."""

    library: str
    name: str
    settings: dict[str, Any]


def parse_reference(reference: str) -> ModelReference | None:
    """Return the model that a network's `reference:` names; None for `paper` and for text of another form."""
    match = NETWORK.fullmatch(reference)
    if match is None:
        return None
    try:
        call = ast.parse(f"f({match[3] or ''})", mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        settings = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None}
    except (SyntaxError, ValueError):
        return None
    plain = not call.args and len(settings) == len(call.keywords)
    return ModelReference(match[1], match[2], settings) if plain else None


def reference_pattern(kind: str) -> str:
    """Return the regular expression of the `reference:` of a block or network."""
    return f"{PAPER}|{(NETWORK if kind == 'network' else BLOCK).pattern}"


def check_reference(node: Node | None, kind: str) -> list[Mistake]:
    """Return E-TYPE for a `reference:` of unknown form; a block's may have any text behind the library's name."""
    text = node.text if isinstance(node, Scalar) else ""
    if node is None or text == PAPER or (parse_reference(text) if kind == "network" else BLOCK.fullmatch(text)):
        return []
    word = text.partition(":")[0]
    guess = did_you_mean(word, (*LIBRARIES, PAPER)) if word not in (*LIBRARIES, PAPER) else None
    what = f"{text!r} is not a reference" if text else "`reference:` is one word or name"
    return [Mistake("E-TYPE", what, node.mark, f"{guess + ' ' if guess else ''}write {FORMS}")]


def derive_reference(reference: str, name: str) -> str:
    """Return the reference of a family's member that gives none: the same library under the member's name, or the paper."""
    library = reference.partition(":")[0]
    return f"{library}:{name}" if library in LIBRARIES else reference
