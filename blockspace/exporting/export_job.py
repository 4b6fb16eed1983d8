"""Job: one export while it is written, and how what was written is compared with the module."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from blockspace.errors import BlockspaceError, ExportError, error
from blockspace.graph import Graph
from blockspace.records import TrainingFacts


@dataclass
class ExportJob:
    """One export: the module in eval mode, the folder being filled, (input, output) examples, the largest difference per format."""

    graph: Graph
    module: nn.Module
    folder: Path
    examples: list[tuple[torch.Tensor, torch.Tensor]]
    tolerance: float
    facts: TrainingFacts | None = None  # of the training
    differences: dict[str, float] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """Return where a file goes; names of the form for deployment say so: model_deploy.py."""
        stem, dot, ending = name.partition(".")
        return self.folder / (f"{stem}_deploy{dot}{ending}" if self.graph.form == "deploy" else name)

    def metadata(self) -> dict[str, str]:
        """Return what is known of the network as texts, for formats that hold such: its name and key, and the facts of its training."""
        deployed = self.graph.form == "deploy"
        own = {"network": self.graph.name, "key": ((self.graph.written if deployed else None) or self.graph).key()}
        return (self.facts.metadata() if self.facts else {}) | own | ({"form": "deploy"} if deployed else {})

    def compare(self, name: str, run: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Record the largest difference. Raises ExportError (E-EXPORT-MISMATCH) when it is above the tolerance, or not a number."""
        for x, expected in self.examples:
            with torch.inference_mode(), as_export_error(f"{name}: the written file does not run at batch {len(x)}"):
                got = run(x)
            if got.shape != expected.shape:
                raise export_mismatch(f"{name}: the shape at batch {len(x)} is {tuple(got.shape)}, the model gives {tuple(expected.shape)}")
            difference = (got - expected).abs().max().item()
            limit = self.tolerance * max(1.0, expected.abs().max().item())
            if not difference <= limit:
                text = f"{name}: differs from the model by {difference:.3g} at batch {len(x)}; at most {limit:.3g} is allowed"
                raise export_mismatch(text)
            self.differences[name] = max(difference, self.differences.get(name, 0.0))


def export_mismatch(message: str) -> BlockspaceError:
    """Return the ExportError (E-EXPORT-MISMATCH) with this message."""
    return error("E-EXPORT-MISMATCH", message, help="nothing was written; leave this format out, or report the network", cls=ExportError)


@contextlib.contextmanager
def as_export_error(what: str) -> Iterator[None]:
    """Turn any exception into an ExportError of `what` and the reason's first line; OSError and BlockspaceError pass."""
    try:
        yield
    except (OSError, BlockspaceError):
        raise
    except Exception as reason:
        message = str(reason).strip().splitlines() or [type(reason).__name__]
        raise export_mismatch(f"{what}: {message[0]}") from reason
