"""A look at data alone, as a study would use it."""

from __future__ import annotations

from collections.abc import Sequence

from blockspace.data import DataSpec, Preflight, preflight, read_spec
from blockspace.errors import BlockspaceError, Mark, Source
from blockspace.reader import Map
from blockspace.study.file import load_study, override_all, values


def look_at(target: str, overrides: Sequence[str] = ()) -> Preflight:
    """The preflight of a study's data, or of a data set's name or a folder, with `data.key=value` overrides.

    Raises BlockspaceError: E-DATA, E-LABEL, and the mistakes of the study file.
    """
    if target.endswith((".yaml", ".yml")):
        return preflight(load_study(target, overrides).data)
    return preflight(given([f"data={target}", *overrides]))


def given(overrides: Sequence[str]) -> DataSpec:
    """The data that overrides alone describe. Raises BlockspaceError."""
    root = Map(Mark(Source("<command line>", " ".join(overrides)), 1, 1))
    if wrong := override_all(root, overrides):
        raise BlockspaceError(*wrong)
    return read_spec(values(root)["data"])
