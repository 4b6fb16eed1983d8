"""The contact sheet: the images of each class as decoded and as batches have them, and what is written on it."""

from __future__ import annotations

import base64
import io
import re

import numpy
import pytest
import torch
from PIL import Image

from blockspace.cli import main
from blockspace.data import load, preflight, read_spec
from blockspace.drawing import SheetRow, draw_contact_sheet
from blockspace.drawing.contact_sheet import scale_tile, shorten_name
from blockspace.errors import BlockspaceError
from blockspace.study import contact_sheet, read_data_target, write_contact_sheet
from blockspace.training import read_recipe


@pytest.fixture(scope="module")
def digits():
    return load({"name": "digits", "train": 200, "val": 100}).train


def rows_of(train, recipe, classes=10):
    return list(contact_sheet.make_rows(train, read_recipe(recipe), [str(i) for i in range(classes)], [20] * classes))


def test_images_are_those_of_train(digits):
    rows = rows_of(digits, {})
    assert [(row.label, len(row.left), len(row.right)) for row in rows] == [(str(i), 4, 4) for i in range(10)]
    known = {image.numpy().tobytes(): int(label) for image, label in zip(digits.images, digits.labels)}
    for row in rows:
        assert all(known[image[..., 0].tobytes()] == int(row.label) for image in row.left)
        assert all((one == other).all() for one, other in zip(row.left, row.right)), "without augmentation a batch has what was decoded"


def test_augmentation_stays_with_its_image(digits):
    for row in rows_of(digits, {"augment": [{"flip": {"p": 1}}]}):
        assert all((one[:, ::-1] == other).all() for one, other in zip(row.left, row.right))
    mixed = rows_of(digits, {"mixup": {"alpha": 1000, "p": 1}})
    assert any((one != other).any() for row in mixed for one, other in zip(row.left, row.right))


def test_floats_are_shown_in_their_own_range():
    images = torch.linspace(-3, 5, 8 * 2 * 4).view(8, 1, 2, 4)
    from blockspace.data import Split

    rows = rows_of(Split(images, torch.tensor([0, 1] * 4), 2, (1.0,), (2.0,)), {}, 2)
    values = numpy.concatenate([image for row in rows for image in row.left])
    assert values.min() == 0 and values.max() == 255 and all((row.left[0] == row.right[0]).all() for row in rows)


def test_a_class_without_images_has_an_empty_row(digits):
    rows = rows_of(digits, {}, 11)
    assert (rows[10].left, rows[10].right) == ([], [])


def test_the_drawing_holds_every_image_and_label():
    pictures = [numpy.full((16, 12, 3), 10 * i, numpy.uint8) for i in range(4)]
    rows = [SheetRow(name, "4 train images", pictures, pictures) for name in ("cat", "a & b <c>", "\ud800\n", "x" * 99)]
    svg = draw_contact_sheet("pets", ["two lines"], ("left", "right"), rows, "and 2 more classes: owl, " + "ant " * 999)
    found = re.findall(r'base64,([\w+/=]+)"', svg)
    assert len(found) == 32 and 'width="48" height="64"' in svg and "a &amp; b &lt;c&gt;" in svg and "x…x" in svg
    assert numpy.array_equal(numpy.asarray(Image.open(io.BytesIO(base64.b64decode(found[1])))), pictures[1])
    assert svg.encode("utf-8").count(b"ant") < 200, "the footer is cut"
    assert (shorten_name("cat", 90), shorten_name("rear_view_of_a_car_1", 90)) == ("cat", "rear_v…_car_1")
    assert [scale_tile(*size) for size in ((8, 8), (28, 28), (72, 40), (640, 480), (4096, 1))] == [
        (72, 72), (56, 56), (72, 40), (72, 54), (72, 1),
    ]  # fmt: skip


def test_many_classes(tmp_path):
    for i in range(43):
        for j in range(2):
            path = tmp_path / "many" / f"class_{i:02}" / f"{j}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (6, 6), 2 * i + j).save(path)
    spec = read_spec({"folder": str(tmp_path / "many"), "val": 1, "test": 1})
    said = write_contact_sheet(tmp_path / "sheet.png", spec, read_recipe({}), preflight(spec))
    assert said.endswith("train images of 40 of 43 classes")
    assert Image.open(tmp_path / "sheet.png").height < 25 * 2 * 82, "two columns"


def test_the_command(tmp_path, capsys):
    place = tmp_path / "sheet.png"
    assert main(["doctor", "--data", "digits", "train.augment=[crop]", "--sheet", str(place)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"ok    sheet: {place}: 40 train images of 10 of 10 classes"
    assert Image.open(place).format == "PNG"
    assert main(["doctor", "--data", "digits", "--sheet", str(place)]) == 0, "a PNG is replaced"
    (tmp_path / "notes.png").write_text("not a picture")
    for options, words in (
        (["--data", "digits", "--sheet", str(tmp_path / "notes.png")], "another kind of file"),
        (["--data", "digits", "--sheet", str(tmp_path / "sheet.jpg")], "a sheet is a PNG"),
        (["--sheet", str(place)], "--sheet shows data"),
        (["--data", "digits", "trainn.epochs=3"], "doctor --data has no setting 'trainn'"),
        (["--data", "digits", "train.augmnt=[crop]"], "unknown key 'augmnt'"),
    ):
        capsys.readouterr()
        assert main(["doctor", *options]) == 2 and words in capsys.readouterr().err


def test_the_recipe_of_a_study_is_taken(tmp_path):
    with pytest.raises(BlockspaceError, match="unknown data set"):
        read_data_target("digit")
    data, recipe = read_data_target("studies/hs_vs_resnext.yaml")
    assert data.name == "digits" and contact_sheet.describe_augmentation(recipe) == "crop"
