"""The result of one job, and its file: written last and at once, so that a folder with a `result.json` holds a finished training."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from blockspace.errors import StorageError, error
from blockspace.files import RESULT, read_json, write_atomic
from blockspace.records import TrialState

FORMAT = "blockspace/result/1"


@dataclass(frozen=True)
class Result:
    """The outcome of one job. `seconds` is its wall time; `signature` names the cause of a failure, equal for equal causes."""

    state: TrialState
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int = 0
    key: str = ""
    reason: str = ""  # one line: why it is not `trained`
    versions: dict[str, str] = field(default_factory=dict)
    signature: str = ""
    origin: str = ""  # runs/first#17: the trial of another run it was taken from

    def __post_init__(self) -> None:
        ends = [state for state in TrialState if state.is_training_end]
        if self.state not in ends:
            raise ValueError(f"result: state must be one of {', '.join(ends)}, got {self.state!r}")
        object.__setattr__(self, "state", TrialState(self.state))  # from JSON it is text

    @property
    def trained(self) -> bool:
        """Return whether the training came to its regular end."""
        return self.state.is_trained

    def write(self, folder: str | Path) -> Path:
        """Write `folder/result.json` atomically, with the checksum of its content. Raises StorageError."""
        content = asdict(self)
        content["metrics"] = {name: _encode_float(value) for name, value in self.metrics.items()}
        text = json.dumps({"format": FORMAT, "sha256": _checksum(content), "result": content}, indent=1, allow_nan=False)
        return write_atomic(Path(folder) / RESULT, text + "\n")


def _encode_float(value: float) -> float | None:
    """JSON has neither NaN nor infinity: both are written as null and read back as NaN."""
    return float(value) if math.isfinite(value) else None


def _checksum(content: dict[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_result(folder: str | Path) -> Result | None:
    """Return the result in `folder`, or None if there is none. Raises StorageError (E-STORE): damaged, or of a newer version."""
    path = Path(folder) / RESULT
    help = "delete the file and run the same command again: that training is repeated"
    try:
        content = _check_content(read_json(path))
        newer = sorted(set(content) - {one.name for one in fields(Result)})
        if newer:
            help = f"use the version of blockspace that wrote it, or {help}"
            raise error("E-STORE", f"{path}: of a newer version of blockspace, with {newer[0]!r}", help=help, cls=StorageError)
        content["metrics"] = {str(name): math.nan if value is None else float(value) for name, value in content["metrics"].items()}
        return Result(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise error("E-STORE", f"{path}: damaged ({reason})", help=help, cls=StorageError) from reason


def _check_content(document: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a result file. Raises ValueError unless its format and checksum hold."""
    if not isinstance(document, dict):
        raise ValueError(f"not a mapping but a {type(document).__name__}")
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']!r}, expected {FORMAT!r}")
    content: dict[str, Any] = document["result"]
    if _checksum(content) != document["sha256"]:
        raise ValueError("its checksum does not match")
    return content


def adopt_result(folder: str | Path, key: str, seed: int, warn: Callable[[str], None] | None = None) -> Result | None:
    """Return the finished result of exactly this network and seed, or None: missing, damaged, or of another training.

    `warn` is told of a file that is there and cannot be read.
    """
    try:
        result = read_result(folder)
    except StorageError as reason:
        if warn is not None:
            warn(f"{reason}; the training is repeated")
        return None
    return result if result and (result.key, result.seed) == (key, seed) else None
