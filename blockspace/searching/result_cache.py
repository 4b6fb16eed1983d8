"""Trained results of other run directories, which a search takes over instead of training the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from blockspace.executors import Job, Result, adopt_result
from blockspace.files import write_atomic
from blockspace.records import RunDir, TrialRecord
from blockspace.searching.seeds import derive_repeat_seed, derive_training_seed


@dataclass(frozen=True)
class CachedResult:
    """A trained result of another run directory: the folder of its files, and the trial's name (`runs/first#17`)."""

    folder: Path
    origin: str
    result: Result


@dataclass
class ResultCache:
    """The trained results of other runs, by network and seed: a training is equal when both are, and recipe and data with them.

    Whoever adds a run has compared its recipe and data with the study's. The seed follows from the study's and the replicate. `files`
    beside the result are copied with it. The other run directory is only read. Searches of one study have seeds of their own, so a result
    is taken over by the same search only.
    """

    files: Sequence[str] = ()
    results: dict[tuple[str, int], CachedResult] = field(default_factory=dict)

    def add(self, folder: Path, name: str, records: Sequence[TrialRecord], seed: int, versions: Mapping[str, str]) -> tuple[int, int]:
        """Add a run directory's trials that were trained as their study says, with the study's `seed` and by these package versions.

        Returns how many are of use, and how many are not because other versions trained them.
        """
        added = stale = 0
        for record in records:
            if not record.state.is_trained or not record.comparable or record.seed != expected_seed(seed, record):
                continue
            place = RunDir(folder).trial(record.number).path
            result = adopt_result(place, record.key, record.seed)
            if result is None or not result.trained:
                continue
            if any(result.versions.get(package) != version for package, version in versions.items()):
                stale += 1
                continue
            added += 1
            self.results.setdefault((record.key, record.seed), CachedResult(place, f"{name}#{record.number}", result))
        return added, stale

    def take(self, job: Job) -> Result | None:
        """Return the result of this very training, written to the job's folder with its origin; None where it is not known.

        Its files come before it, so a kill leaves a folder without a result. Raises StorageError.
        """
        cached = self.results.get((job.key, job.seed))
        if cached is None:
            return None
        try:
            contents = {name: (cached.folder / name).read_bytes() for name in self.files if (cached.folder / name).is_file()}
        except OSError:  # gone since: it is trained here
            return None
        for name, content in contents.items():
            write_atomic(Path(job.folder) / name, content)
        result = replace(cached.result, seconds=0.0, origin=cached.origin)
        result.write(job.folder)
        return result


def expected_seed(seed: int, record: TrialRecord) -> int:
    """Return the seed of a trial's training in a study with this `seed`; it differs from one repeat to the next."""
    return derive_training_seed(derive_repeat_seed(seed, record.repeat), record.key)
