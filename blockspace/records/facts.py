"""Facts of a training: what is known of a trained network beside its structure and weights. They travel with it as `facts.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from blockspace.errors import error
from blockspace.files import FACTS
from blockspace.formatting import count_noun, hide_path, hide_paths, is_absolute

FORMAT = "blockspace/facts/1"
LIMIT = 4_000_000  # bytes of a file that is read
MOST_NAMES = 100  # classes that are named in a line
TESTED = ("test_acc", "test_loss")
RECIPE = ("epochs", "batch", "optimizer", "schedule", "augment", "precision")  # settings of a recipe that a line names


COSTS_TITLE = "costs of the canonical form"  # as written, a network may move other bytes


class TrainingFacts(BaseModel):
    """What is known of a training; a field that is not known is empty. No path, user or host name is in it.

    `source` is where it was trained (`hs_vs_resnext#17`, or the name of a run directory). The network sees images of shape `input`
    `(C, H, W)`, each channel minus `mean`, divided by `std`, of pixels in 0..1 (`pixels` is "0..1") or as the data gives them ("given").
    `data` are the settings of the data, `images` its counts by part, `classes` in the order of the outputs. `results` are of the weights
    that come with it, but those on the test split are means over `seeds` trainings. `choices` were made by the search.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    network: str = ""
    key: str = ""
    source: str = ""
    study: str = ""
    question: str = ""
    input: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    pixels: str = "0..1"
    classes: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    data_digest: str = ""
    images: dict[str, int] = {}
    trained_on: str = ""
    started_from: str = ""
    recipe: dict[str, Any] = {}
    seed: int | None = None
    results: dict[str, float] = {}
    seeds: int = 1
    costs: dict[str, int] = {}
    latency: str = ""
    choices: dict[str, int | float | str | bool] = {}
    versions: dict[str, str] = {}
    note: str = ""

    @property
    def is_trained(self) -> bool:
        """Return whether anything is known of a training, or of what the weights expect of images."""
        return bool(self.recipe or self.mean or self.results)

    def as_dict(self) -> dict[str, Any]:
        """Return every field that is known as plain data, paths in texts reduced to their names."""
        found: dict[str, Any] = json.loads(self.model_dump_json(exclude_defaults=True))
        return {key: without_paths(value) for key, value in found.items()}

    def to_json(self) -> str:
        """Return the content of `facts.json`."""
        return json.dumps({"format": FORMAT} | self.as_dict(), indent=1) + "\n"

    def lines(self) -> dict[str, str]:
        """Return what is known as short lines by their titles: for a model card, a docstring, a terminal."""
        found = {
            "input": self.input_line(),
            "classes": name_some(self.classes),
            COSTS_TITLE: ", ".join(f"{value:,} {name}" for name, value in self.costs.items()),
            "latency": self.latency,
            "key": self.key,
            "trained on": self.data_line(),
            "recipe": self.recipe_line(),
            "started from": self.started_from,
            "validation": format_scores(self.results, "val"),
            "test": self.test_line(),
            "weights": self.weights_line(),
            "trained as": f"{self.source}{f', study {self.study}' if self.study else ''}" if self.source else "",
            "versions": ", ".join(f"{name} {text}" for name, text in self.versions.items()),
        }
        return {title: hide_paths(make_printable(text)) for title, text in found.items() if text}

    def document(self, title: str) -> str:
        """Return the docstring of a network's Python file: what it is, and what is known of its training."""
        return "\n".join([title, "", *(f"{name}: {text}" for name, text in self.lines().items())])

    def input_line(self) -> str:
        """Return the input's shape and how its pixels are normalised."""
        shape = "x".join(map(str, self.input))
        if not self.mean:
            return shape
        mean, std = (", ".join(f"{value:.6g}" for value in values) for values in (self.mean, self.std))
        pixels = "pixels in 0..1" if self.pixels == "0..1" else "values as the data gives them"
        return f"{shape}; {pixels}, minus {mean}, divided by {std} (per channel, of the training images)"

    def data_line(self) -> str:
        """Return the data, its parts that were trained on, and for how many epochs."""
        name = str(next((self.data[key] for key in ("name", "folder", "python") if self.data.get(key)), ""))
        epochs = self.recipe.get("epochs")
        return ", ".join(filter(None, (name, self.trained_on, count_noun(epochs, "epoch") if epochs else "")))

    def recipe_line(self) -> str:
        """Return the settings of the recipe that matter most."""
        shown = {key: self.recipe[key] for key in RECIPE if self.recipe.get(key)}
        return "; ".join(f"{key} {format_setting(value)}" for key, value in shown.items() if key != "epochs")

    def test_line(self) -> str:
        """Return the scores on the test split."""
        about = [f"means over {self.seeds} seeds"] if self.seeds > 1 else []
        about += [f"{self.images['test']:,} images"] if self.images.get("test") else []
        scores = format_scores(self.results, "test")
        return f"{scores} ({', '.join(about)})" if scores and about else scores

    def weights_line(self) -> str:
        """Return which training the weights are of."""
        if self.note:
            return self.note
        if self.seeds > 1:
            return f"of the first of {self.seeds} seeds, which was not chosen by its test score"
        return "" if self.seed is None else f"of seed {self.seed}"

    def metadata(self) -> dict[str, str]:
        """Return what is known as texts by keys, for formats that hold such: ONNX, safetensors."""
        if not self.is_trained:
            return {}
        plain = {key: value if isinstance(value, str) else json.dumps(value) for key, value in self.as_dict().items()}
        return plain | {"facts": json.dumps({"format": FORMAT} | self.as_dict())}


def without_paths(value: Any) -> Any:
    """Return plain data with absolute paths in its texts reduced to their names."""
    if isinstance(value, str):
        return hide_path(value) if is_absolute(value) and "\n" not in value else hide_paths(value)
    if isinstance(value, list):
        return [without_paths(item) for item in value]
    return {key: without_paths(item) for key, item in value.items()} if isinstance(value, dict) else value


def make_printable(text: str) -> str:
    """Return a text in one line without what would control a terminal."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def name_some(names: tuple[str, ...], most: int = MOST_NAMES) -> str:
    """Return the names, at most `most` of them."""
    more = f" and {len(names) - most:,} more, in {FACTS}" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def format_scores(results: Mapping[str, float], part: str) -> str:
    """Return accuracy and log-loss on a part of the data, or whatever metrics there are."""
    own = {name.removeprefix(f"{part}_"): value for name, value in results.items() if name.startswith(f"{part}_")}
    words = {"acc": "accuracy {:.4f}", "loss": "log-loss {:.4f} nats"}
    return ", ".join(words.get(name, f"{name} {{:.4g}}").format(value) for name, value in own.items())


def format_setting(value: Any) -> str:
    """Return a setting as one would say it: `adamw (lr 0.003, weight_decay 0.05)`; what is zero or off is left out."""
    if isinstance(value, list):
        return ", ".join(map(format_setting, value))
    if not isinstance(value, dict):
        return str(value)
    parts = []
    for name, item in value.items():
        inner = format_setting(item) if item else ""
        if isinstance(item, dict):
            parts.append(f"{name} ({inner})" if inner else str(name))
        elif item:
            parts.append(f"{name} {inner}")
    return ", ".join(parts)


def read_facts_file(folder: Path) -> TrainingFacts | None:
    """Return the facts that lie in a folder; None where there are none. Raises BlockspaceError (E-FILE) for a damaged file."""
    path = folder / FACTS
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > LIMIT:
            raise ValueError(f"more than {LIMIT:,} bytes")
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, expected {FORMAT!r}")
        return TrainingFacts.model_validate_json(json.dumps(content))
    except ValidationError as reason:
        first = reason.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as reason:
        what = str(reason) or type(reason).__name__
    raise error("E-FILE", f"{path} is damaged: {what}", help="remove it, and the network is read without what it says")
