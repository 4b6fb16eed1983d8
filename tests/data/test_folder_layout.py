"""Which files of a folder belong to which class and part; what is left out is said, and what is unclear is one line."""

from __future__ import annotations

import os

import pytest
from PIL import Image, UnidentifiedImageError

from blockspace.data import preflight
from blockspace.data.folder_tree import read_folder_tree
from blockspace.data.image_folder import find_images
from blockspace.data.image_formats import list_image_formats, list_image_suffixes
from blockspace.errors import BlockspaceError


def make_files(root, *names):
    """Make empty files; `cat/3` stands for three images `cat/0.png` to `cat/2.png`."""
    for name in names:
        folder, _, last = name.rpartition("/")
        for path in [f"{folder}/{i}.png" for i in range(int(last))] if last.isdigit() else [name]:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"")
    return root


def count_files(found):
    """Return part -> the number of files of each class."""
    return {part: [found.labels[part].count(i) for i in range(len(found.classes))] for part in found.files}


def refusal(root, layout="auto"):
    with pytest.raises(BlockspaceError) as caught:
        find_images(root, layout)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-DATA" and "\n" not in mistake.message + mistake.help
    return f"{mistake.message} | {mistake.help}"


# files; classes; images of each class by part; words of the remarks
LAYOUTS = {
    "train_is_a_class": (["bus/2", "car/3", "train/4"], "bus car train", {"all": [2, 3, 4]}, []),
    "test_is_a_class": (["exam/2", "test/3"], "exam test", {"all": [2, 3]}, []),
    "val_and_test_are_classes": (["road/1", "val/2", "test/3", "train/4"], "road test train val", {"all": [1, 3, 4, 2]}, []),
    "nested_class": (["bus/2", "car/1", "train/a/2", "train/b/1"], "bus car train", {"all": [2, 1, 3]}, ["train is", "3 of 6"]),
    "another": (["extra/2", "train/a/2", "train/b/1"], "a b", {"train": [2, 1]}, ["`layout: class`", "folder extra (2 images)"]),
    "train_with_one_folder": (["bus/2", "train/old/2"], "bus train", {"all": [2, 2]}, ["train is taken as a class", "2 of 4"]),
    "parts": (["train/a/3", "train/b/2", "test/a/1", "test/b/1"], "a b", {"train": [3, 2], "test": [1, 1]}, []),
    "train_alone": (["train/a/3", "train/b/2"], "a b", {"train": [3, 2]}, []),
    "valid": (["train/a/1", "train/b/2", "valid/a/1", "valid/b/1"], "a b", {"train": [1, 2], "val": [1, 1]}, []),
    "validation": (["train/a/1", "train/b/2", "validation/a/1", "validation/b/1"], "a b", {"train": [1, 2], "val": [1, 1]}, []),
    "dev": (["train/a/1", "train/b/2", "dev/a/1", "dev/b/1"], "a b", {"train": [1, 2], "val": [1, 1]}, []),
    "capitals": (["Training/a/1", "Training/b/2", "Testing/a/1", "Testing/b/1"], "a b", {"train": [1, 2], "test": [1, 1]}, []),
    "val_twice": (
        ["train/a/1", "train/b/2", "dev/a/5", "val/a/1", "val/b/1"], "a b", {"train": [1, 2], "val": [1, 1]},
        ["folder dev (5 images) is left out: 'val' is read in its place"],
    ),
    "a_part_lacks_a_class": (
        ["train/a/1", "train/b/2", "val/b/2", "test/a/1"], "a b", {"train": [1, 2], "val": [0, 2], "test": [1, 0]},
        ["val has no image of 1 of the 2 classes: a", "test has no image of 1 of the 2 classes: b"],
    ),
    "images_beside_classes": (
        ["train/a/1", "train/b/2", "train/x.png", "y.jpg"], "a b", {"train": [1, 2]},
        ["1 image lies directly in the folder pets", "1 image lies directly in the folder train"],
    ),
    "subfolders": (["a/1", "a/march/2", "a/april/old/3", "b/2"], "a b", {"all": [6, 2]}, ["5 of 8 images lie in sub-folders"]),
    "nested_parts": (["train/a/march/2", "train/b/1", "test/a/1"], "a b", {"train": [2, 1], "test": [1, 0]}, ["test has", "2 of 4 im"]),
    "divided_classes": (["a/train/3", "a/val/1", "b/train/2", "b/val/1"], "a b", {"train": [3, 2], "val": [1, 1]}, []),
    "folder_test": (["a/1", "a/test/2", "b/2"], "a b", {"all": [3, 2]}, ["belong to it: test"]),
    "left_behind": (["a/1", "b/1", "__MACOSX/a/._0.png", ".cache/x.png", "a/Thumbs.db", "a/.ipynb_checkpoints/0.png", "@eaDir/0.png"],
                    "a b", {"all": [1, 1]}, []),
    "capital_suffixes": (["a/x.PNG", "a/y.JPeG", "b/z.TIF"], "a b", {"all": [2, 1]}, []),
    "other_files": (["a/1", "a/notes.txt", "a/x.eps", "b/1", "b/x.EPS", "b/photo", "b/x.heic"], "a b", {"all": [1, 1]},
                    ["5 files are left out, of no image format that is read here (2 .eps, 1 .txt, 1 without a suffix, 1 .heic); the"]),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYOUTS)
def test_what_belongs_where(tmp_path, case):
    files, classes, counts, remarks = LAYOUTS[case]
    found = find_images(make_files(tmp_path / "pets", *files))
    assert " ".join(found.classes) == classes and count_files(found) == counts
    assert len(found.remarks) == len(remarks) and all(words in line for words, line in zip(remarks, found.remarks)), found.remarks


REFUSALS = {
    "parts_without_classes": (["train/3", "test/2"], "the images in train, test lie in no class folder", "layout: class"),
    "no_train": (["test/a/1", "test/b/1", "val/a/1", "val/b/1"], "contains val, test, but no `train`", "layout: class"),
    "classes_beside_their_test": (["a/1", "b/1", "test/a/1", "test/b/1"], "a, b lie beside test and also in it", "into a folder `train`"),
    "a_class_of_its_own": (["train/cats/1", "train/dogs/1", "val/cat/1"], "has a class that train lacks: cat", "did you mean 'cats'?"),
    "an_unlabelled_part": (["train/a/1", "train/b/1", "test/5"], "the part test holds no image in a class folder", "or remove it"),
    "one_class": (["cat/3"], "contains 1 class folder (cat), at least 2", "one folder of images per class"),
    "one_folder_too_high": (["export/a/1", "export/b/1", "__MACOSX/a/1"], "contains 1 class folder (export)", "/pets/export'?"),
    "no_folders": (["a.png", "b.png"], "contains 0 class folders,", "2 images lie directly in it"),
    "some_classes_divided": (["a/train/1", "a/test/1", "b/2"], "1 of 2 class folders is divided into train and test (a)", "layout: class"),
    "an_empty_class": (["a/1", "b/1", "c/readme.txt"], "no images in 1 class folder of", "remove"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_unclear_is_one_line(tmp_path, case):
    files, message, help = REFUSALS[case]
    found = refusal(make_files(tmp_path / "pets", *files))
    assert message in found.partition(" | ")[0] and help in found.partition(" | ")[2], found


def test_the_layout_can_be_said(tmp_path):
    flat = make_files(tmp_path / "flat", "train/3", "test/2")
    assert count_files(find_images(flat, "class")) == {"all": [2, 3]}
    kinds = make_files(tmp_path / "kinds", "bus/1", "car/1", "train/a/2", "train/b/1")
    assert count_files(find_images(kinds, "part/class")) == {"train": [2, 1]}
    one = make_files(tmp_path / "one", "a/train/2", "b/train/1", "b/test/1")
    assert count_files(find_images(one, "class/part")) == {"train": [2, 1], "test": [0, 1]}
    assert "no folder `train` in 3 class folders (bus, car, train)" in refusal(kinds, "class/part")
    assert "but no `train`" in refusal(one, "part/class")


def test_what_is_no_folder(tmp_path):
    assert "does not exist" in refusal(tmp_path / "gone")
    make_files(tmp_path, "set.zip")
    assert "is a file" in refusal(tmp_path / "set.zip") and "does not exist" in refusal(tmp_path / ("x" * 300))


def test_links(tmp_path):
    root = make_files(tmp_path / "pets", "a/2", "b/1")
    (root / "a" / "loop").symlink_to(root)
    (root / "b" / "self.png").symlink_to(root / "b" / "self.png")
    (root / "b" / "gone.png").symlink_to(tmp_path / "gone.png")
    (root / "c").symlink_to(make_files(tmp_path / "elsewhere", "4/3") / "4")
    (root / "a" / "to_b").symlink_to(root / "b")
    (root / "b" / "to_a").symlink_to(root / "a")
    found = find_images(root)
    assert count_files(found) == {"all": [5, 5, 3]}, "a: its own and b's three; b: its own three and a's two; c by its link"
    assert sum("lead in a circle" in line for line in found.remarks) == 1


def test_what_is_no_file(tmp_path):
    root = make_files(tmp_path / "pets", "a/2", "b/1", "b/6.png/x.txt")
    os.mkfifo(root / "a" / "pipe.png")
    found = find_images(root)
    assert count_files(found) == {"all": [2, 1]}, "reading a pipe would wait for ever"
    assert any("b/6.png is a folder without images" in line for line in found.remarks)


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    root = make_files(tmp_path / "pets", "a/2", "b/1")
    real = os.scandir

    def refuse(place):
        if str(place).endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "/pets/b' cannot be read: Permission denied | check its permissions" in refusal(root)


def test_a_folder_in_the_order_of_names(tmp_path):
    """The order of files is part of a data set's digest: that of a flat folder is by name."""
    root = make_files(tmp_path / "pets", "a/b.png", "a/B.png", "a/10.png", "a/9.png", "b/1")
    assert [path.name for path in find_images(root).files["all"]] == ["10.png", "9.png", "B.png", "b.png", "0.png"]
    assert read_folder_tree(root).count == 5


def test_formats_are_those_that_pillow_decodes_by_itself():
    suffixes = list_image_suffixes()
    assert {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".tga", ".jp2", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"} <= suffixes
    assert not suffixes & {".eps", ".ps", ".wmf", ".emf", ".mpg", ".h5", ".hdf", ".grib", ".bufr", ".pdf", ".palm", ""}
    assert "EPS" not in list_image_formats() and list_image_formats().index("PNG") < 8


def test_an_eps_file_under_another_name_is_no_image(tmp_path):
    """Pillow tells a file by its content, and would start another program for this one."""
    path = tmp_path / "drawing.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(UnidentifiedImageError):
        Image.open(path, formats=list_image_formats())


def test_what_is_left_out_is_said_and_kept(tmp_path):
    for name in ("ant", "bee"):
        for i in range(10):
            path = tmp_path / "insects" / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), i if name == "ant" else 99 + i).save(path)
    make_files(tmp_path / "insects", "ant/notes.txt")
    found = preflight({"folder": str(tmp_path / "insects")})
    assert found.notes() == [f"data: {found.remarks[0]}"] and "1 file is left out" in found.remarks[0]
    found.write(tmp_path / "run")
    assert preflight({"folder": str(tmp_path / "insects")}, tmp_path / "run") == found
