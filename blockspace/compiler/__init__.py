"""Graph -> module, source text, weights and times. The first floor that imports torch."""

from blockspace.compiler.module import compile

__all__ = ["compile"]
