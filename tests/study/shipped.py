"""The shipped studies, each resolved once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from blockspace.study import ResolvedStudy, resolve_study

STUDIES = Path(__file__).parents[2] / "studies"


@cache
def resolve_shipped(name: str) -> ResolvedStudy:
    return resolve_study(STUDIES / f"{name}.yaml")
