"""What running trainings write to their logs, line by line, under the trial's number."""

from __future__ import annotations

from pathlib import Path

from blockspace.records import TrainingDir


class Tails:
    """Follows the log.txt of each running training."""

    def __init__(self) -> None:
        self.places: dict[int, tuple[Path, int]] = {}

    def follow(self, number: int, folder: str) -> None:
        self.places[number] = TrainingDir(Path(folder)).log, 0

    def read(self, number: int, whole: bool = False) -> list[str]:
        """Its new lines, as `[17] ...`; `whole` also takes a last one that has no end."""
        path, offset = self.places[number]
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
        except OSError:
            return []
        taken = data if whole else data[: data.rfind(b"\n") + 1]
        self.places[number] = path, offset + len(taken)
        return [f"[{number}] {line}" for line in taken.decode(errors="replace").splitlines() if line.strip()]

    def read_all(self) -> list[str]:
        return [line for number in list(self.places) for line in self.read(number)]

    def leave(self, number: int) -> list[str]:
        """Its last lines; it is over."""
        lines = self.read(number, whole=True) if number in self.places else []
        self.places.pop(number, None)
        return lines
