"""The schema of studies agrees with the reader, on what both can see."""

from __future__ import annotations

from pathlib import Path

from cases import try_each
from jsonschema import Draft202012Validator
from schema.core import core

from blockspace.errors import BlockspaceError
from blockspace.schema import schema
from blockspace.study import load_study

VALIDATOR = Draft202012Validator(schema("study"))
HEAD = "format: blockspace/study/1\nstudy: mine\nspace: space.yaml\n"

RIGHT = [
    "",
    "data: fashion_mnist",
    "data: {folder: my/images, size: 32}",
    "budget: {macs: {low: 96%, high: 60M}, latency: {high: 130%, threads: 1}}",
    "baseline: {block: resnext, block.resnext.cardinality: 8}",
    "objectives: [{maximize: val_acc}, {minimize: macs}]",
    "search: {sampler: nsga2, trials: 1k, workers: auto, per_choice: {block: equal}}",
    "search: {workers: 3, timeout: 90, failures: {share: 50%}}".replace("50%", "0.5"),
    "train: {optimizer: sgd, schedule: one_cycle, augment: [crop, flip]}",
    "train: {augment: [randaugment, {rotation: 10}, {random_erasing: {p: 0.2}}], mixup: true, ema: {decay: 0.99}, compile: true}",
    "train: {optimizer: {adamw: {lr: 3e-3}}, schedule: {cosine: {warmup: 1}}, augment: [{crop: {padding: 3}}]}",
    "train: {optimizer: {sgd: }, label_smoothing: 0.1, batch: 32}",
    "finalists: {take: 2, per: block, epochs: 12, seeds: 3}\ncompare: {by: block}\nout: runs/mine",
]
WRONG = [
    "serach: {}",
    "search: {sampler: best}",
    "search: {trials: 0}",
    "search: {trials: often}",
    "search: {trial: 3}",
    "search: {per_choice: {block: unequal}}",
    "train: {optimizer: adam2}",
    "train: {optimizer: {adamw: {learning_rate: 0.1}}}",
    "train: {optimizer: {adamw: {}, sgd: {}}}",
    "train: {augment: [rotate_everything]}",
    "train: {augment: [{rotate_everything: 3}]}",
    "train: {mixup: 3}",
    "train: {epochs: [1]}",
    "budget: {macks: {high: 3}}",
    "budget: {macs: {highest: 3}}",
    "objectives: [{increase: val_acc}]",
    "compare: {margin: 0.5}",
    "finalists: {seeds: 0}",
]


def read(text: str, folder: Path) -> bool:
    """Whether the reader takes it."""
    path = folder / "study.yaml"
    path.write_text(HEAD + text + "\n")
    try:
        load_study(path)
    except BlockspaceError:
        return False
    return True


def test_schema_and_reader_agree(tmp_path):
    def agree(text: str, right: bool) -> None:
        assert read(text, tmp_path) == right
        assert VALIDATOR.is_valid(core(HEAD + text)) == right, [e.message for e in VALIDATOR.iter_errors(core(HEAD + text))]

    try_each(agree, [*((text, True) for text in RIGHT), *((text, False) for text in WRONG)])


def test_what_must_be_given():
    for missing in ("format", "study", "space"):
        head = [line for line in HEAD.splitlines() if not line.startswith(missing)]
        assert len(head) == 2 and not VALIDATOR.is_valid(core("\n".join(head)))
