"""Every number of a study has one kind, and a unit of another kind is refused: in files, overrides, Python and the schema."""

from __future__ import annotations

from typing import Annotated, get_args, get_origin

import pytest
from cases import try_each
from jsonschema import Draft202012Validator

from blockspace.data import read_spec
from blockspace.errors import BlockspaceError
from blockspace.options import Measured, Options
from blockspace.schema import schema
from blockspace.study import load_study
from blockspace.study.study_file import StudyFile
from blockspace.study.train_config import TrainingOptions, read_training_options

HEAD = "format: blockspace/study/1\nstudy: mine\nspace: space.yaml\n"
VALIDATOR = Draft202012Validator(schema("study"))


def list_models(annotation) -> list[type[Options]]:
    """Every model of options named in a type."""
    if isinstance(annotation, type) and issubclass(annotation, Options):
        return [annotation]
    return [found for argument in get_args(annotation) for found in list_models(argument)]


def walk_models(model: type[Options]) -> set[type[Options]]:
    """The model and all models below it."""
    found = {model}
    for field in model.model_fields.values():
        for inner in list_models(field.annotation):
            found |= walk_models(inner)
    return found


def has_number(annotation) -> bool:
    """Whether a value of this type may be a number; mappings, whose values are of the network, are left out."""
    if annotation in (int, float):
        return True
    if get_origin(annotation) is dict:
        return False
    return any(has_number(argument) for argument in get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None])


def has_kind(field) -> bool:
    """Whether the field, or a part of its type, says what kind of number it is."""

    def inside(annotation) -> bool:
        return any(isinstance(one, Measured) or inside(one) for one in get_args(annotation))

    return any(isinstance(one, Measured) for one in field.metadata) or inside(field.annotation)


MODELS = sorted(walk_models(StudyFile) | walk_models(TrainingOptions), key=lambda model: model.__name__)
NUMBERS = [(model, name) for model in MODELS for name, field in model.model_fields.items() if has_number(field.annotation)]


def test_every_number_has_a_kind():
    assert len(NUMBERS) > 40
    assert not [f"{model.__name__}.{name}" for model, name in NUMBERS if not has_kind(model.model_fields[name])]


SETTINGS = [
    ("search.trials", "1k", 1000), ("search.timeout", "500ms", 0.5), ("search.timeout", "2min", 120.0), ("search.timeout", "1.5h", 5400.0),
    ("search.timeout", "60", 60.0), ("search.stall_s", "90s", 90.0), ("search.failures.share", "50%", 0.5), ("train.epochs", "1k", 1000),
    ("train.label_smoothing", "10%", 0.1), ("train.mixup.p", "50%", 0.5), ("finalists.take", "3", 3),
    ("compare.margin", "0.5 points", "0.5 points"), ("compare.margin", "1point", "1 point"), ("compare.margin", "5e-1points", "0.5 points"),
    ("budget.macs.high", "60M", 60_000_000),
    ("budget.macs.high", "96%", "96%"), ("budget.bytes.high", "4MiB", "4MiB"), ("budget.peak_memory.low", "4M", 4_000_000),
    ("budget.latency.high", "130%", "130%"), ("budget.latency.high", "1.3", 1.3), ("baseline.width", "8k", 8000),
    ("baseline.drop", "50%", 0.5), ("baseline.macs", "96%", "96%"), ("data.train", "50k", 50_000), ("study", "5s", "5s"),
]  # fmt: skip


def load(folder, *overrides):
    path = folder / "study.yaml"
    path.write_text(HEAD)
    return load_study(path, overrides).options


def pick(options, key):
    """The value at a dotted key."""
    first, _, rest = key.partition(".")
    found = getattr(options, first) if isinstance(options, Options) else options[first]
    return pick(found, rest) if rest and not isinstance(found, str) else found


def test_a_unit_is_part_of_the_number(tmp_path):
    def check(key, text, value):
        found = pick(load(tmp_path, *(["data.name=digits"] if key.startswith("data") else []), f"{key}={text}"), key)
        assert found == value and type(found) is type(value)

    try_each(check, SETTINGS)


REFUSED = [
    ("budget.latency.high", "20ms"), ("budget.latency.low", "2MB"),
    ("budget.latency.high", "2k"), ("train.epochs", "3ms"), ("train.epochs", "50%"),
    ("train.epochs", "32px"),
    ("budget.params.high", "60000ms"), ("budget.macs.high", "4MiB"), ("budget.bytes.high", "4s"), ("search.timeout", "5k"),
    ("search.timeout", "50%"), ("search.timeout", "5 minutes"), ("search.trials", "1h"), ("search.workers", "2ms"), ("search.seed", "3s"),
    ("search.failures.share", "1k"), ("train.label_smoothing", "10ms"), ("train.optimizer", "{sgd: {lr: 10%}}"),
    ("train.optimizer", "{sgd: {lr: 1k}}"), ("train.clip_norm", "1s"), ("train.schedule", "{cosine: {floor: 1min}}"),
    ("train.devices", "2s"),
    ("train.augment", "[{crop: {padding: 2ms}}]"), ("train.augment", "[{rotation: 10ms}]"),
    ("train.augment", "[{random_erasing: {p: 10%}}]"),
    ("finalists.seeds", "3h"), ("finalists.epochs", "1min"), ("budget.latency.threads", "1s"), ("train.workers", "3 B"),
    ("compare.margin", "0.5"), ("compare.margin", "0.5%"), ("compare.margin", "0.5pp"), ("compare.margin", "1k"),
]  # fmt: skip


def test_a_unit_of_another_kind_is_refused_once_at_its_place(tmp_path):
    def check(key, text):
        with pytest.raises(BlockspaceError) as caught:
            load(tmp_path, f"{key}={text}")
        (mistake,) = caught.value.mistakes
        assert mistake.code == "E-VALUE" and mistake.help and mistake.mark.source.path == "<command line>"

    try_each(check, REFUSED)


def refuse_by_schema(key: str, text: str) -> None:
    value: object = text
    for part in reversed(key.split(".")):
        value = {part: value}
    base = {"format": "blockspace/study/1", "study": "mine", "space": "space.yaml"}
    assert not VALIDATOR.is_valid({**base, **value})


def test_the_schema_refuses_it_too():
    try_each(refuse_by_schema, [case for case in REFUSED if case[1][0] not in "[{"])


def test_python_reads_texts_alike(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(HEAD)
    found = load_study(path, (), {"timeout": "2min", "train": {"epochs": "1k"}, "search": {"stall_s": "500ms"}}).options
    assert (found.search.timeout, found.train.epochs, found.search.stall_s) == (120.0, 1000, 0.5)
    with pytest.raises(BlockspaceError, match="'3ms' is a time, and this is a count"):
        load_study(path, (), {"train": {"epochs": "3ms"}})


@pytest.mark.parametrize(
    "value, form", [(0.5, "write 0.5 points"), (1, "write 1 points"), ("0.5%", "write 0.5 points"), ("2", "write 2 points")]
)
def test_a_margin_without_its_unit_is_refused_in_a_file_and_in_python(value, form, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(HEAD)
    written = tmp_path / "written.yaml"
    written.write_text(f"{HEAD}compare: {{margin: {value}}}\n")
    for read in (lambda: load_study(path, (), {"compare": {"margin": value}}), lambda: load_study(written)):
        with pytest.raises(BlockspaceError, match="percentage points of accuracy") as caught:
            read()
        (mistake,) = caught.value.mistakes
        assert (mistake.code, mistake.help) == ("E-VALUE", form) and mistake.mark
    assert not VALIDATOR.is_valid({"format": "blockspace/study/1", "study": "mine", "space": "x", "compare": {"margin": value}})


@pytest.mark.parametrize("value, code", [("0 points", "E-RANGE"), ("-1 points", "E-RANGE"), ("101 points", "E-RANGE"), ("half", "E-TYPE")])
def test_a_margin_is_a_difference_above_0(value, code, tmp_path):
    with pytest.raises(BlockspaceError) as caught:
        load(tmp_path, f"compare.margin={value}")
    assert [(one.code, one.help) for one in caught.value.mistakes] == [(code, "write 0.5 points")]
    assert load(tmp_path, "compare.margin=0.25 points").compare.margin_share == 0.0025


def test_one_training_reads_them_alike():
    options, _ = read_training_options(["train.epochs=1k", "data.name=digits", "data.train=1k"], None, {}, {})
    assert options.train.epochs == 1000 and options.data == {"name": "digits", "train": 1000}
    for text in ("seed=3ms", "train.batch=2h"):
        with pytest.raises(BlockspaceError, match="is a time"):
            read_training_options([text], None, {}, {})
    with pytest.raises(BlockspaceError, match="'5ms' is a time"):
        read_spec({"name": "digits", "train": "5ms"})


def test_a_users_function_gets_other_units_as_written():
    spec = read_spec({"python": "my_data:load", "options": {"length": "5s", "count": "2k", "share": "10%"}})
    assert spec.options == {"length": "5s", "count": 2000, "share": "10%"}
