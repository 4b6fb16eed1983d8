"""The description of a backbone's feature maps: timm's `feature_info`, without timm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import fx

from blockspace.errors import error
from blockspace.graph import Graph, find_features
from blockspace.inputs import ArgumentKind, is_integer, is_list_of

Indices = int | Sequence[int] | None
ARE_INTEGERS = is_list_of(is_integer)
INDICES = ArgumentKind("a whole number, a list of them, or None", lambda value: value is None or is_integer(value) or ARE_INTEGERS(value))
KEPT = "_user_preserved_attributes"  # where torch.fx looks for attributes that a copy of a GraphModule shall have too


class FeatureInfo:
    """All feature maps of a network, and which of them a backbone gives (`out_indices`), as timm's class of this name.

    Each accessor returns a value for every map that is given; with an index, or a list of them, for those maps of the network.
    """

    def __init__(self, info: list[dict[str, Any]], out_indices: Sequence[int]):
        self.info, self.out_indices = info, tuple(out_indices)

    def get(self, key: str, idx: int | Sequence[int] | None = None) -> Any:
        """Return `num_chs`, `reduction`, `module`, `index` or `node` of the maps."""
        if isinstance(idx, int):
            return self.info[idx][key]
        return [self.info[i][key] for i in (self.out_indices if idx is None else idx)]

    def get_dicts(self, keys: Sequence[str] | None = None, idx: int | Sequence[int] | None = None) -> Any:
        """Return the same as dicts of these keys, by default of all."""
        if isinstance(idx, int):
            return {key: self.info[idx][key] for key in keys or self.info[idx]}
        return [self.get_dicts(keys, i) for i in (self.out_indices if idx is None else idx)]

    def channels(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the channels of the maps."""
        return self.get("num_chs", idx)

    def reduction(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the input pixels per position: the strides of the maps."""
        return self.get("reduction", idx)

    def module_name(self, idx: int | Sequence[int] | None = None) -> Any:
        """Return the units that give the maps: stem.conv7x7, stage1.block3."""
        return self.get("module", idx)

    def __getitem__(self, item: int) -> dict[str, Any]:
        return self.info[item]

    def __len__(self) -> int:
        return len(self.info)

    def __repr__(self) -> str:
        maps = ", ".join(f"{one['num_chs']} at 1/{one['reduction']}" for one in self.get_dicts())
        return f"<FeatureInfo {maps}>"


def make_feature_info(graph: Graph, features_only: bool, out_indices: Indices) -> FeatureInfo | None:
    """Return the feature maps that `compile` was asked for; None: the output. Raises BlockspaceError (E-SHAPE, E-TYPE, E-KEY)."""
    if not features_only:
        if out_indices is not None:
            raise error("E-KEY", "out_indices says which feature maps, and the output was asked for", help="add features_only=True")
        return None
    info = [
        {"num_chs": one.channels, "reduction": one.reduction, "module": one.unit, "index": i, "node": one.node}
        for i, one in enumerate(find_features(graph))
    ]
    return FeatureInfo(info, resolve_indices(out_indices, info, graph.name))


def resolve_indices(indices: Indices, info: list[dict[str, Any]], name: str) -> list[int]:
    """Return the indices from 0: all for None, the last n for an integer. Raises BlockspaceError (E-TYPE) naming what there is."""
    count = len(info)
    if indices is None:
        return list(range(count))
    asked = list(range(-indices, 0)) if isinstance(indices, int) else list(indices)
    if asked and all(isinstance(i, int) and -count <= i < count for i in asked):
        return [i % count for i in asked]
    there = ", ".join(f"{one['index']} ({one['num_chs']} channels at 1/{one['reduction']})" for one in info)
    raise error("E-TYPE", f"out_indices={indices!r}: {name} has {count} feature maps", help=f"the indices are {there}, or -{count} to -1")


def attach_feature_info(module: fx.GraphModule, info: FeatureInfo) -> None:
    """Make `module.feature_info` the info, also of the module's copies."""
    vars(module)["feature_info"] = info
    module.meta[KEPT] = {"feature_info": info}
