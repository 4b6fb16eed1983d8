"""Rewrites of graphs into equal forms: rules, the pipelines that run them, and the weight maps between the forms.

Every file of `rules/` holds one rule and is found by itself.
"""

import os
from importlib import import_module

from blockspace.passes import weights
from blockspace.passes.draft import Draft
from blockspace.passes.files import rules_of
from blockspace.passes.match import Match
from blockspace.passes.pipeline import canonical, deploy
from blockspace.passes.rewriting import Rewriting, Step, rewrite, tensors
from blockspace.passes.rule import PIPELINES, RULES, Rule, column, rule
from blockspace.passes.samples import random_graph, relabelled
from blockspace.passes.weights import Expr, WeightMap

for _file in sorted(os.listdir(os.path.join(os.path.dirname(__file__), "rules"))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.passes.rules.{_file[:-3]}")

__all__ = [
    "PIPELINES", "RULES", "Draft", "Expr", "Match", "Rewriting", "Rule", "Step", "WeightMap", "canonical", "column", "deploy",
    "random_graph", "relabelled", "rewrite", "rule", "rules_of", "tensors", "weights",
]  # fmt: skip
