"""The export formats by name: what each writes and what it needs. No torch here; `formats` has the functions that write them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportFormat:
    """A format: its files in a few words, whether it is written by default, and a package it needs that is not a dependency."""

    name: str
    files: str
    default: bool = True
    requires: str = ""


EXPORT_FORMATS = {
    one.name: one
    for one in (
        ExportFormat("py", "model.py, plain torch"),
        ExportFormat("onnx", "model.onnx, any batch"),
        ExportFormat("safetensors", "weights.safetensors"),
        ExportFormat("pt2", "model.pt2 of torch.export, any batch", default=False),
        ExportFormat("timm", "a file that registers the network with timm, config.json and weights", default=False, requires="timm"),
    )
}
DEFAULT_FORMATS = tuple(name for name, one in EXPORT_FORMATS.items() if one.default)
PORTABLE_FORMATS = tuple(name for name, one in EXPORT_FORMATS.items() if not one.requires)
