"""Progress of a search on stderr: one line that changes on a terminal, one line a trial elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from time import monotonic


class Progress:
    """Listens to a search's events. Best per family, counts of states, and the time left by the pace so far."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.counts: Counter = Counter()
        self.best: dict[str, float] = {}
        self.done = self.total = self.before = 0  # before: what an earlier start had done
        self.stage, self.started, self.status = "search", monotonic(), None

    def __enter__(self) -> Progress:
        if self.live:
            from rich.console import Console

            self.status = Console(file=self.stream).status("starting", spinner="dots")
            self.status.start()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal's line."""
        if self.status is not None:
            self.status.stop()
            self.status = None

    def __call__(self, kind: str, data: dict) -> None:
        handler = getattr(self, f"on_{kind}", None)
        if handler is not None:
            handler(data)
        if self.status is not None:
            self.status.update(self.line())

    def on_asked(self, data: dict) -> None:
        self.total = data["trials"]
        for note in data["notes"]:
            print(note, file=self.stream)

    def on_opened(self, data: dict) -> None:
        self.done = self.before = data.get("trained", 0)
        if self.done:
            self.say(f"resumed: {self.done} trials are trained")

    def on_proposed(self, _data: dict) -> None:
        self.counts["proposed"] += 1

    def on_duplicate(self, _data: dict) -> None:
        self.counts["duplicate"] += 1

    def on_over_budget(self, _data: dict) -> None:
        self.counts["over budget"] += 1

    def on_finished(self, data: dict) -> None:
        if self.stage == "finals":
            self.done += 1
            self.say(self.line())
            return
        self.done = data.get("trained", self.done)
        status = data.get("status", "")
        self.counts[status] += 1
        accuracy = data.get("values", {}).get("val_acc")
        family = "/".join(data.get("families", {}).values()) or "best"
        if accuracy is not None:
            self.best[family] = max(accuracy, self.best.get(family, 0.0))
        shown = f"val_acc {accuracy:.4f}" if accuracy is not None else data.get("reason", status)
        self.say(f"trial {data['number']:>3}  {data.get('label', ''):<28} {shown}  {data.get('seconds', 0):.1f} s  |  {self.line()}")

    def on_finals(self, data: dict) -> None:
        self.stage, self.done, self.before, self.total, self.started = "finals", 0, 0, data["trainings"], monotonic()

    def on_adopted(self, _data: dict) -> None:
        if self.stage == "finals":
            self.done += 1
            self.before += 1

    def on_exporting(self, _data: dict) -> None:
        self.stage = "exporting"

    def say(self, text: str) -> None:
        """One plain line, where nobody watches a terminal."""
        if not self.live:
            print(text, file=self.stream, flush=True)

    def line(self) -> str:
        """Where the study stands."""
        if self.stage == "exporting":
            return "exporting the finalists"
        parts = [f"{self.stage} {self.done}/{self.total or '?'}"]
        parts += [f"{family} {value:.3f}" for family, value in self.best.items()]
        if self.stage == "search":
            parts += [f"{n} {what}" for what, n in self.counts.items() if what != "trained" and n]
        return "  ".join(parts) + self.left()

    def left(self) -> str:
        """The time left at the pace so far."""
        here = self.done - self.before
        if here < 1 or not self.total:
            return ""
        seconds = (monotonic() - self.started) / here * (self.total - self.done)
        return f"  about {seconds / 60:.1f} min left in this stage" if seconds > 90 else f"  about {seconds:.0f} s left in this stage"

    def summary(self) -> str:
        """What there is so far, for the end of an interrupted run."""
        best = ", ".join(f"{family} {value:.4f}" for family, value in self.best.items()) or "nothing trained yet"
        return f"{self.stage}: {self.done}/{self.total or '?'}; best val_acc: {best}"
