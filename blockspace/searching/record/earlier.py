"""Earlier: the trained results of other run directories, which a search takes over instead of training the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from blockspace.executors import Job, Result, adopt_result
from blockspace.files import write_atomic
from blockspace.records import RunDir, TrialRecord
from blockspace.searching.seeds import training_seed


@dataclass(frozen=True)
class Known:
    """A trained result of another run directory: where its files are, and what that trial is called (`runs/first#17`)."""

    folder: Path
    origin: str
    result: Result


@dataclass
class Earlier:
    """What other runs know. An equal training is one of the same network and seed, which follows from the study's seed and the replicate.

    Whoever adds a run has compared its recipe and data with the study's; `files` beside the result are copied with it. The other run
    directory is only read.
    """

    files: Sequence[str] = ()
    known: dict[tuple[str, int], Known] = field(default_factory=dict)

    def add(self, folder: Path, name: str, rows: Sequence[TrialRecord], seed: int, code: Mapping[str, str]) -> tuple[int, int]:
        """Enter a run directory's rows that trained as their study says, with `seed` and by this `code` (package -> version).

        Returns how many are of use, and how many are not because other code trained them.
        """
        found = stale = 0
        for row in rows:
            if not row.state.is_trained or not row.comparable or row.seed != training_seed(seed, row.key):
                continue
            place = RunDir(folder).trial(row.number).path
            result = adopt_result(place, row.key, row.seed)
            if result is None or not result.trained:
                continue
            if any(result.versions.get(package) != version for package, version in code.items()):
                stale += 1
                continue
            found += 1
            self.known.setdefault((row.key, row.seed), Known(place, f"{name}#{row.number}", result))
        return found, stale

    def take(self, task: Job) -> Result | None:
        """The result of this very training, now also in the task's folder: at no cost, and saying whose it is. None where none is known.

        Its files come before it, so a kill leaves a folder without a result. Raises StorageError.
        """
        known = self.known.get((task.key, task.seed))
        if known is None:
            return None
        try:
            contents = {name: (known.folder / name).read_bytes() for name in self.files if (known.folder / name).is_file()}
        except OSError:  # gone since: it is trained here
            return None
        for name, content in contents.items():
            write_atomic(Path(task.folder) / name, content)
        result = replace(known.result, seconds=0.0, origin=known.origin)
        result.write(task.folder)
        return result
