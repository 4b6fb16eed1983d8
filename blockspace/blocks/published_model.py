"""Origin: the reference that a block or network says it equals, whose weights it takes.

`torchvision:NAME`, `timm:NAME`, or `paper` where neither has it. NAME is what the library calls the model; settings of its
constructor may stand behind it, where the network has no name of its own: `torchvision:resnet101(groups=32, width_per_group=16)`.
"""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

from blockspace.errors import Mistake, did_you_mean
from blockspace.reader import Node, Scalar

LIBRARIES = ("torchvision", "timm")
PAPER = "paper"
NETWORK = re.compile(rf"({'|'.join(LIBRARIES)}):([A-Za-z0-9][\w.-]*)(?:\((.{{0,200}})\))?")
BLOCK = re.compile(rf"({'|'.join(LIBRARIES)}):\s*\S.*")
FORMS = "`torchvision:NAME`, `timm:NAME`, or `paper`"


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
    what = f"{text!r} is no reference" if text else "`reference:` is one word or name"
    return [Mistake("E-TYPE", what, node.mark, f"{guess + ' ' if guess else ''}write {FORMS}")]


def derive_reference(reference: str, name: str) -> str:
    """Return the reference of a family's member that gives none: the same library under the member's name, or the paper."""
    library = reference.partition(":")[0]
    return f"{library}:{name}" if library in LIBRARIES else reference
