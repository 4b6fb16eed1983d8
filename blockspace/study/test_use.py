"""The use of a test split by a run: counted once, when its first network is about to be scored, in the cache of this machine."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from uuid import uuid4

from blockspace.data import Preflight, count_test_use, read_test_uses
from blockspace.files import read_json, write_atomic
from blockspace.records import RunDir
from blockspace.reporting import SplitUse

FORMAT = "blockspace/test-use/1"
HEX = re.compile("[0-9a-f]{32,64}")


def note_test_use(run: RunDir, look: Preflight) -> None:
    """Count this run among those that scored the test split of its data, unless it was counted before. Raises StorageError.

    Its id is written first, so that a kill before it is counted does not make it count twice.
    """
    kept = read_kept_use(run)
    if not look.test_digest or (kept is not None and kept.uses is not None):
        return
    use = SplitUse(kept.run if kept is not None else uuid4().hex, look.test_digest, None)
    write_test_use(run, use)
    uses = count_test_use(use.digest, use.run)
    if uses is not None:
        write_test_use(run, SplitUse(use.run, use.digest, uses))


def write_test_use(run: RunDir, use: SplitUse) -> None:
    """Write `test_use.json`. Raises StorageError."""
    write_atomic(run.test_use, json.dumps({"format": FORMAT} | asdict(use), indent=1) + "\n")


def read_test_use(run: RunDir) -> SplitUse | None:
    """Return the run's use of its test split with how many runs of this machine scored it by now; None before it was scored.

    On another machine, and without the cache, the number is that of the time when this run scored it.
    """
    kept = read_kept_use(run)
    if kept is None:
        return None
    now = read_test_uses(kept.digest, kept.run)
    return kept if now is None else SplitUse(kept.run, kept.digest, now)


def read_kept_use(run: RunDir) -> SplitUse | None:
    """Return the content of `test_use.json`; None where there is none that can be read: its texts become names of files in the cache."""
    try:
        content = read_json(run.test_use)
        is_ours = content.pop("format") == FORMAT and HEX.fullmatch(content["run"]) and HEX.fullmatch(content["digest"])
        return SplitUse(**content) if is_ours else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
