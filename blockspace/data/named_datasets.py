"""The data sets known by name: every single-label image classification set of torchvision, and scikit-learn's digits. No torch here.

A row says which class of `torchvision.datasets` reads the set and with which arguments each part is asked for; a test holds every row
against the signatures of the torchvision that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Parts = dict[str, dict[str, Any]]  # arguments of torchvision's class for each part

TRAIN_TEST: Parts = {"train": {"train": True}, "test": {"train": False}}
WHOLE: Parts = {"train": {}}  # no test part: val and test are cut out of it


def name_splits(**names: str) -> Parts:
    """Return parts by the name each has in the argument `split`."""
    return {part: {"split": name} for part, name in names.items()}


@dataclass(frozen=True)
class NamedDataset:
    """A data set by name.

    `shape` is `(C, H, W)`: the images' own, or, where they vary, what they are brought to unless `size` says otherwise. `parts` are the
    arguments by which torchvision's class gives each part; parts it does not have are cut out of train. `holds` says how torchvision keeps
    the images: as arrays in memory, as files, or behind `dataset[i]`. `options` are the arguments a user may choose, with the number of
    classes under each value; the first value is the default. `by_hand` says how to get what no program may fetch.
    """

    reader: str
    shape: tuple[int, int, int]
    classes: int
    markers: tuple[str, ...] = ()  # a place holds the data set when it holds one of these; none: nothing lies anywhere
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: TRAIN_TEST)
    holds: Literal["arrays", "files", "items"] = "files"
    val: int | None = None  # images of the part when it has to be cut; None: a tenth
    train: int | None = None  # None: all that is left
    options: Mapping[str, Mapping[Any, int]] = field(default_factory=dict)
    first: int = 0  # the label of the first class
    by_hand: str = ""

    def chosen(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options with their defaults."""
        return {name: given.get(name, next(iter(values))) for name, values in self.options.items()}

    def count(self, given: Mapping[str, Any]) -> int:
        """Return the number of classes under these options."""
        return next((values[given[name]] for name, values in self.options.items() if name in given), self.classes)


def idx_markers(folder: str, stem: str = "train-images-idx3-ubyte") -> tuple[str, ...]:
    """Return where torchvision keeps the idx files of a set."""
    return (f"{folder}/raw/{stem}",)


FASHION = tuple(f"{folder}train-images-idx3-ubyte{end}" for folder in ("", "FashionMNIST/raw/") for end in ("", ".gz"))
EMNIST = {"balanced": 47, "letters": 26, "digits": 10, "mnist": 10, "byclass": 62, "bymerge": 47}
AIRCRAFT = {"variant": 100, "family": 70, "manufacturer": 41}
IMAGENET_HAND = "download the archives from https://image-net.org into that folder"
FER_HAND = "download fer2013.csv (or icml_face_data.csv) from Kaggle into fer2013/"
LFW_HAND = "fetch a mirror of LFW into lfw-py/, with its archive and the people*.txt files"
CARS_HAND = "its server is gone; see https://github.com/pytorch/vision/issues/7545"

DATASETS = {
    # 1,797 scans of 8x8 in scikit-learn, enlarged to 16x16; the test split is cut from them too
    "digits": NamedDataset("", (1, 16, 16), 10, val=400, train=500, parts=WHOLE, holds="arrays"),
    "mnist": NamedDataset("MNIST", (1, 28, 28), 10, idx_markers("MNIST"), holds="arrays", val=10_000),
    "fashion_mnist": NamedDataset("FashionMNIST", (1, 28, 28), 10, FASHION, holds="arrays", val=10_000),
    "kmnist": NamedDataset("KMNIST", (1, 28, 28), 10, idx_markers("KMNIST"), holds="arrays", val=10_000),
    "qmnist": NamedDataset("QMNIST", (1, 28, 28), 10, idx_markers("QMNIST", "qmnist-train-images-idx3-ubyte"), holds="arrays", val=10_000),
    "emnist": NamedDataset("EMNIST", (1, 28, 28), 47, ("EMNIST/raw",), holds="arrays", options={"split": EMNIST}),
    "usps": NamedDataset("USPS", (1, 16, 16), 10, ("usps.bz2",), holds="arrays"),
    "semeion": NamedDataset("SEMEION", (1, 16, 16), 10, ("semeion.data",), WHOLE, "arrays"),
    "omniglot": NamedDataset("Omniglot", (1, 105, 105), 964, ("omniglot-py",), WHOLE),
    "cifar10": NamedDataset("CIFAR10", (3, 32, 32), 10, ("cifar-10-batches-py",), holds="arrays", val=5_000),
    "cifar100": NamedDataset("CIFAR100", (3, 32, 32), 100, ("cifar-100-python",), holds="arrays", val=5_000),
    "svhn": NamedDataset("SVHN", (3, 32, 32), 10, ("train_32x32.mat",), name_splits(train="train", test="test"), "arrays"),
    "stl10": NamedDataset("STL10", (3, 96, 96), 10, ("stl10_binary",), name_splits(train="train", test="test"), "arrays"),
    "fer2013": NamedDataset("FER2013", (1, 48, 48), 7, ("fer2013",), name_splits(train="train", test="test"), "items", by_hand=FER_HAND),
    "pcam": NamedDataset("PCAM", (3, 96, 96), 2, ("pcam",), name_splits(train="train", val="val", test="test"), "items"),
    "gtsrb": NamedDataset("GTSRB", (3, 32, 32), 43, ("gtsrb/GTSRB",), name_splits(train="train", test="test")),
    "eurosat": NamedDataset("EuroSAT", (3, 64, 64), 10, ("eurosat/2750",), WHOLE),
    "imagenette": NamedDataset(
        "Imagenette", (3, 160, 160), 10, ("imagenette2-160", "imagenette2-320", "imagenette2"), name_splits(train="train", test="val"),
        options={"size": {"160px": 10, "320px": 10, "full": 10}},
    ),
    "caltech101": NamedDataset("Caltech101", (3, 224, 224), 101, ("caltech101/101_ObjectCategories",), WHOLE),
    "caltech256": NamedDataset("Caltech256", (3, 224, 224), 257, ("caltech256/256_ObjectCategories",), WHOLE),
    "flowers102": NamedDataset("Flowers102", (3, 224, 224), 102, ("flowers-102",), name_splits(train="train", val="val", test="test")),
    "food101": NamedDataset("Food101", (3, 224, 224), 101, ("food-101",), name_splits(train="train", test="test")),
    "oxford_iiit_pet": NamedDataset("OxfordIIITPet", (3, 224, 224), 37, ("oxford-iiit-pet",), name_splits(train="trainval", test="test")),
    "stanford_cars": NamedDataset(
        "StanfordCars", (3, 224, 224), 196, ("stanford_cars",), name_splits(train="train", test="test"), by_hand=CARS_HAND
    ),
    "fgvc_aircraft": NamedDataset(
        "FGVCAircraft", (3, 224, 224), 100, ("fgvc-aircraft-2013b",), name_splits(train="train", val="val", test="test"),
        options={"annotation_level": AIRCRAFT},
    ),
    "dtd": NamedDataset(
        "DTD", (3, 224, 224), 47, ("dtd/dtd",), name_splits(train="train", val="val", test="test"),
        options={"partition": {fold: 47 for fold in range(1, 11)}},
    ),
    "sun397": NamedDataset("SUN397", (3, 224, 224), 397, ("SUN397",), WHOLE),
    "country211": NamedDataset("Country211", (3, 224, 224), 211, ("country211",), name_splits(train="train", val="valid", test="test")),
    "rendered_sst2": NamedDataset("RenderedSST2", (3, 448, 448), 2, ("rendered-sst2",), name_splits(train="train", val="val", test="test")),
    # the test images of these have no public labels: their validation part is the test part, as in the papers
    "clevr": NamedDataset("CLEVRClassification", (3, 224, 224), 8, ("clevr/CLEVR_v1.0",), name_splits(train="train", test="val"), first=3),
    "places365": NamedDataset(
        "Places365", (3, 224, 224), 365, ("categories_places365.txt",), name_splits(train="train-standard", test="val"),
        options={"small": {True: 365, False: 365}},
    ),
    "imagenet": NamedDataset(
        "ImageNet", (3, 224, 224), 1000, ("meta.bin", "ILSVRC2012_devkit_t12.tar.gz"), name_splits(train="train", test="val"),
        by_hand=IMAGENET_HAND,
    ),
    "inaturalist": NamedDataset(
        "INaturalist", (3, 224, 224), 10_000, ("2021_train",), {"train": {"version": "2021_train"}, "test": {"version": "2021_valid"}}
    ),
    # train and test of the benchmark hold different people: one pool, cut here
    "lfw_people": NamedDataset("LFWPeople", (3, 250, 250), 5749, ("lfw-py",), {"train": {"split": "10fold"}}, by_hand=LFW_HAND),
    # noise with random labels, to try a set-up: nothing can be learnt from it
    "fake_data": NamedDataset("FakeData", (3, 32, 32), 10, parts={"train": {}}, holds="items"),
}  # fmt: skip
