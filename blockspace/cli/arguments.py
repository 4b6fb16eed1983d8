"""Arguments as typed: `key=value` settings, and input shapes as `256x56x56`."""

from __future__ import annotations

from blockspace.errors import BlockspaceError, Mistake, error


def settings(texts) -> dict[str, str]:
    """`key=value` texts as a dict. Raises E-KEY for each that is none."""
    parts = [text.partition("=") for text in texts]
    wrong = [Mistake("E-KEY", f"{''.join(part)!r} is no setting", help="write key=value") for part in parts if not (part[0] and part[1])]
    if wrong:
        raise BlockspaceError(*wrong)
    return {key: value for key, _, value in parts}


def shape(text: str) -> tuple[int, ...]:
    """`CxHxW`. Raises E-TYPE."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(p.isdigit() and int(p) for p in parts):
        raise error("E-TYPE", f"{text!r} is no input shape", help="write channels x height x width: input=256x56x56")
    return tuple(map(int, parts))


def expanded(target: str, given: dict[str, str]):
    """(template, graph) of a block or network with settings of its params and holes; `input=CxHxW` among them is the input shape."""
    from blockspace.blocks import load_unchecked

    given = dict(given)
    wanted = given.pop("input", None)
    template = load_unchecked(target, **given)
    if wanted is not None:
        return template, template.graph(shape(wanted))
    return template, template.graph(template.usual_shape)


def usual_channels(block) -> int:
    """Input channels to show a block with, when none are given."""
    return block.usual_shape[0]
