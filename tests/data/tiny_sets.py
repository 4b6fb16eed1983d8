"""Writers of data sets in the layouts that torchvision reads, some dozens of random images each."""

from __future__ import annotations

import bz2
import csv
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from PIL import Image

RANDOM = numpy.random.default_rng(0)


def picture(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    """One random image; a JPEG by its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)).save(path)
    return path


def pixels(*shape: int) -> numpy.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=numpy.uint8)


def idx(path: Path, values: numpy.ndarray, code: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = ">i4" if code == 12 else "u1"
    head = bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(head + values.astype(kind).tobytes())


def mnist(root: Path, folder: str = "MNIST") -> None:
    for part, count in (("train", 30), ("t10k", 20)):
        idx(root / folder / "raw" / f"{part}-images-idx3-ubyte", pixels(count, 28, 28))
        idx(root / folder / "raw" / f"{part}-labels-idx1-ubyte", numpy.arange(count) % 10)


def kmnist(root: Path) -> None:
    mnist(root, "KMNIST")


def qmnist(root: Path) -> None:
    for part, count in (("train", 30), ("test", 20)):
        labels = numpy.stack([numpy.arange(count) % 10] + [numpy.arange(count)] * 7, axis=1)
        idx(root / "QMNIST" / "raw" / f"qmnist-{part}-images-idx3-ubyte", pixels(count, 28, 28))
        idx(root / "QMNIST" / "raw" / f"qmnist-{part}-labels-idx2-int", labels, 12)


def emnist(root: Path) -> None:
    for split, first, count in (("balanced", 0, 47), ("letters", 1, 26)):
        for part in ("train", "test"):
            idx(root / "EMNIST" / "raw" / f"emnist-{split}-{part}-images-idx3-ubyte", pixels(2 * count, 28, 28))
            idx(root / "EMNIST" / "raw" / f"emnist-{split}-{part}-labels-idx1-ubyte", first + numpy.arange(2 * count) % count)


def usps(root: Path) -> None:
    for name, count in (("usps.bz2", 30), ("usps.t.bz2", 20)):
        rows = [f"{i % 10 + 1} " + " ".join(f"{j + 1}:{v:.3f}" for j, v in enumerate(RANDOM.uniform(-1, 1, 256))) for i in range(count)]
        (root / name).write_bytes(bz2.compress("\n".join(rows).encode()))


def semeion(root: Path) -> None:
    marks = numpy.eye(10)[numpy.arange(40) % 10]
    numpy.savetxt(root / "semeion.data", numpy.hstack([RANDOM.integers(0, 2, (40, 256)), marks]), "%.4g")


def svhn(root: Path) -> None:
    from scipy.io import savemat

    for part, count in (("train", 30), ("test", 20)):
        savemat(root / f"{part}_32x32.mat", {"X": pixels(32, 32, 3, count), "y": (numpy.arange(count) % 10 + 1)[:, None]})


def stl10(root: Path) -> None:
    folder = root / "stl10_binary"
    folder.mkdir()
    (folder / "class_names.txt").write_text("\n".join(f"thing {i}" for i in range(10)))
    for part, count in (("train", 30), ("test", 20)):
        pixels(count, 3, 96, 96).tofile(folder / f"{part}_X.bin")
        (numpy.arange(count, dtype=numpy.uint8) % 10 + 1).tofile(folder / f"{part}_y.bin")


def fer2013(root: Path) -> None:
    (root / "fer2013").mkdir()
    with open(root / "fer2013" / "fer2013.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for i in range(35):
            writer.writerow([i % 7, " ".join(map(str, pixels(48 * 48))), "Training" if i < 21 else "PrivateTest"])


def gtsrb(root: Path) -> None:
    base = root / "gtsrb" / "GTSRB"
    for i in range(43):
        for j in range(2):
            picture(base / "Training" / f"{i:05}" / f"{j}.ppm")
    for i in range(10):
        picture(base / "Final_Test" / "Images" / f"{i}.ppm")
    rows = ["Filename;ClassId", *(f"{i}.ppm;{i}" for i in range(10))]
    (root / "gtsrb" / "GT-final_test.csv").write_text("\n".join(rows))


def class_folders(root: Path, ending: str, count: int, classes: int = 10) -> None:
    for i in range(classes):
        for j in range(count):
            picture(root / f"class{i}" / f"{j}.{ending}")


def eurosat(root: Path) -> None:
    class_folders(root / "eurosat" / "2750", "jpg", 4)


def imagenette(root: Path) -> None:
    numbers = "01440764 02102040 02979186 03000684 03028079 03394916 03417042 03425413 03445777 03888257"
    names = [f"n{number}" for number in numbers.split()]
    for part, count in (("train", 3), ("val", 2)):
        for name in names:
            for j in range(count):
                picture(root / "imagenette2-160" / part / name / f"{j}.jpeg")


def caltech101(root: Path) -> None:
    base = root / "caltech101" / "101_ObjectCategories"
    for name in ("BACKGROUND_Google", *(f"c{i:03}" for i in range(10))):
        for j in range(1, 5):
            picture(base / name / f"image_{j:04}.jpg")


def caltech256(root: Path) -> None:
    for i in range(1, 11):
        for j in range(1, 5):
            picture(root / "caltech256" / "256_ObjectCategories" / f"{i:03}.thing" / f"{i:03}_{j:04}.jpg")


def food101(root: Path) -> None:
    base = root / "food-101"
    (base / "meta").mkdir(parents=True)
    for part, count in (("train", 3), ("test", 2)):
        names = {f"dish{i}": [f"dish{i}/{part}{j}" for j in range(count)] for i in range(10)}
        (base / "meta" / f"{part}.json").write_text(json.dumps(names))
        for path in sum(names.values(), []):
            picture(base / "images" / f"{path}.jpg")


def oxford_iiit_pet(root: Path) -> None:
    base = root / "oxford-iiit-pet"
    (base / "annotations").mkdir(parents=True)
    for part, count in (("trainval", 3), ("test", 2)):
        rows = [f"breed{i}_{part}{j} {i + 1} 1 1" for i in range(10) for j in range(count)]
        (base / "annotations" / f"{part}.txt").write_text("\n".join(rows))
        for row in rows:
            picture(base / "images" / f"{row.split()[0]}.jpg")


def dtd(root: Path) -> None:
    base = root / "dtd" / "dtd"
    (base / "labels").mkdir(parents=True)
    for part in ("train", "val", "test"):
        rows = [f"weave{i}/{part}{j}.jpg" for i in range(10) for j in range(2)]
        (base / "labels" / f"{part}1.txt").write_text("\n".join(rows))
        for row in rows:
            picture(base / "images" / row)


def fgvc_aircraft(root: Path) -> None:
    data = root / "fgvc-aircraft-2013b" / "data"
    data.mkdir(parents=True)
    (data / "variants.txt").write_text("\n".join(f"plane {i}" for i in range(10)))
    for part in ("train", "val", "test"):
        rows = [(f"{part}{i}", f"plane {i % 10}") for i in range(20)]
        (data / f"images_variant_{part}.txt").write_text("\n".join(" ".join(row) for row in rows))
        for name, _ in rows:
            picture(data / "images" / f"{name}.jpg")


def country211(root: Path) -> None:
    for part in ("train", "valid", "test"):
        class_folders(root / "country211" / part, "jpg", 2)


def rendered_sst2(root: Path) -> None:
    for part in ("train", "valid", "test"):
        for name in ("negative", "positive"):
            for j in range(4):
                picture(root / "rendered-sst2" / part / name / f"{j}.png")


def sun397(root: Path) -> None:
    base = root / "SUN397"
    base.mkdir()
    (base / "ClassName.txt").write_text("\n".join(f"/a/place{i}" for i in range(10)))
    for i in range(10):
        for j in range(4):
            picture(base / "a" / f"place{i}" / f"sun_{i}{j}.jpg")


def flowers102(root: Path) -> None:
    from scipy.io import savemat

    base = root / "flowers-102"
    for i in range(1, 61):
        picture(base / "jpg" / f"image_{i:05}.jpg")
    savemat(base / "imagelabels.mat", {"labels": numpy.arange(60) % 10 + 1})
    savemat(base / "setid.mat", {"trnid": numpy.arange(1, 21), "valid": numpy.arange(21, 41), "tstid": numpy.arange(41, 61)})


def omniglot(root: Path) -> None:
    for i in range(10):
        for j in range(4):
            picture(root / "omniglot-py" / "images_background" / "Runes" / f"character{i:02}" / f"{i}_{j}.png")


def clevr(root: Path) -> None:
    base = root / "clevr" / "CLEVR_v1.0"
    (base / "scenes").mkdir(parents=True)
    for part in ("train", "val"):
        scenes = [{"image_filename": f"{part}{i}.png", "objects": [0] * (3 + i % 8)} for i in range(24)]
        (base / "scenes" / f"CLEVR_{part}_scenes.json").write_text(json.dumps({"scenes": scenes}))
        for scene in scenes:
            picture(base / "images" / part / scene["image_filename"])


def inaturalist(root: Path) -> None:
    for version in ("2021_train", "2021_valid"):
        for i in range(10):
            for j in range(3):
                picture(root / version / f"{i:05d}_Animalia_a_b_c_d_e_f{i}" / f"{version}{j}.jpg")


def imagenet(root: Path) -> None:
    names = [f"n{i:08}" for i in range(10)]
    torch.save(({name: (f"word {name}", "other") for name in names}, names), root / "meta.bin")
    for part, count in (("train", 3), ("val", 2)):
        for name in names:
            for j in range(count):
                picture(root / part / name / f"{part}{j}.jpeg")


def places365(root: Path) -> None:
    (root / "categories_places365.txt").write_text("\n".join(f"/a/place{i} {i}" for i in range(10)))
    for part, listing, folder, count in (
        ("train-standard", "places365_train_standard.txt", "data_256_standard", 3), ("val", "places365_val.txt", "val_256", 2),
    ):  # fmt: skip
        rows = [(f"/{part}{i}_{j}.jpg" if part != "val" else f"v{i}_{j}.jpg", i) for i in range(10) for j in range(count)]
        (root / listing).write_text("\n".join(f"{name} {label}" for name, label in rows))
        for name, _ in rows:
            picture(root / folder / name.lstrip("/"))


def lfw_people(root: Path) -> None:
    base = root / "lfw-py"
    names = [f"Person_{i}" for i in range(10)]
    for name in names:
        for j in range(1, 5):
            picture(base / "lfw_funneled" / name / f"{name}_{j:04d}.jpg")
    (base / "lfw-names.txt").write_text("\n".join(f"{name}\t4" for name in names))
    (base / "people.txt").write_text("1\n10\n" + "\n".join(f"{name}\t4" for name in names))


def stanford_cars(root: Path) -> None:
    from scipy.io import savemat

    base = root / "stanford_cars"
    (base / "devkit").mkdir(parents=True)
    fields = [("fname", object), ("class", object)]
    for part, place, count in (("train", "devkit/cars_train_annos.mat", 30), ("test", "cars_test_annos_withlabels.mat", 20)):
        rows = numpy.array([(f"{i:05}.jpg", i % 10 + 1) for i in range(count)], dtype=fields)
        savemat(base / place, {"annotations": rows})
        for row in rows:
            picture(base / f"cars_{part}" / row["fname"])
    savemat(base / "devkit" / "cars_meta.mat", {"class_names": numpy.array([f"car {i}" for i in range(10)], dtype=object)})


WRITERS: dict[str, Callable[[Path], None]] = {
    name: value for name, value in globals().items() if callable(value) and getattr(value, "__module__", "") == __name__
    and name not in ("picture", "pixels", "idx", "class_folders")
}  # fmt: skip
