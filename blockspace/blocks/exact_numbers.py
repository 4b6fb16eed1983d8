"""Exact rationals, loaded only where a value is not whole: importing `fractions` takes longer than drawing a block."""

from __future__ import annotations

import sys


def make_fraction(*parts):
    """`fractions.Fraction(*parts)`."""
    from fractions import Fraction

    return Fraction(*parts)


def is_fraction(found) -> bool:
    """Whether a value is a Fraction, without loading them to find out."""
    module = sys.modules.get("fractions")
    return module is not None and isinstance(found, module.Fraction)


def is_number(found) -> bool:
    """An exact number; truth values are none."""
    return isinstance(found, int) and not isinstance(found, bool) or is_fraction(found)
