"""Rewrites of graphs into equal forms."""

from blockspace.passes.pipeline import CANONICAL, canonical

__all__ = ["CANONICAL", "canonical"]
