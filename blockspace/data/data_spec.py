"""The `data:` section of a study, the folders of named data sets, and a data set's shape before it is read. No torch here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from blockspace.data.custom import load_custom, read_custom_shape, split_target
from blockspace.data.decoding import parse_background
from blockspace.data.folder_layout import Layout
from blockspace.data.image_folder import find_images, read_folder_shape
from blockspace.data.named_datasets import DATASETS
from blockspace.errors import BlockspaceError, Mark, error
from blockspace.files import find_home_folder
from blockspace.inputs import expand_path
from blockspace.options import AS_COUNT, AS_SHARE, Options, PathText, refuse, suggest_key, validate
from blockspace.units import COUNT, parse_count, split_measure, to_int_or_float

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts its files
HERE = Path("data")  # where torchvision's examples put theirs
CACHE = Path("~/.cache/blockspace/data")  # where downloads go when there is no better place
DATA_VARIABLE = "BLOCKSPACE_DATA"  # a folder with data sets in torchvision's layout

Count = Annotated[int, Field(ge=1, le=10**9), AS_COUNT]
Pixels = Annotated[int, Field(ge=1, le=4096), AS_COUNT]
MarkOf = Callable[[tuple[Any, ...]], Mark | None]


def read_data_numbers(value: Any) -> Any:
    """Return the `data:` of a study with numbers for texts such as `50k`; names and paths stay texts, and so do numbers with other units,
    which a function of the user's may read."""
    if isinstance(value, dict):
        return {key: item if key in NAMES else read_data_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read_data_numbers(item) for item in value]
    parts = split_measure(value) if isinstance(value, str) else None
    number = parse_count(value) if parts and parts[1] in COUNT.units else None
    return value if number is None else to_int_or_float(number)


NAMES = ("name", "folder", "python", "path", "root")  # settings that are names or paths
DataSetting = Annotated[str | dict[str, Any], BeforeValidator(lambda value: read_data_numbers(value) if isinstance(value, dict) else value)]


def check_alpha(value: Any) -> Any:
    """Return the value if it is `drop` or a colour that Pillow knows. Raises PydanticCustomError (E-TYPE)."""
    try:
        parse_background(value)
    except (ValueError, TypeError, AttributeError):
        help = "write white, black, grey, a colour in quotes as '#808080', or drop to leave alpha out"
        raise refuse("E-TYPE", f"{'nothing' if value is None else repr(value)} is not a colour", help) from None
    return value


def check_levels(value: list[float] | None) -> list[float] | None:
    """Return the value if it is `[low, high]`. Raises PydanticCustomError (E-TYPE)."""
    if value is not None and not (len(value) == 2 and value[0] < value[1]):
        raise refuse("E-TYPE", f"{value} is not [low, high]", "as [0, 4095] for 12 bits, or [0, 1] for floats")
    return value


class DataSpec(Options):
    """The `data:` of a study: a known name, a folder of images with one sub-folder per class, or a function of the user's."""

    name: Annotated[str | None, Field(description="a known data set")] = None
    folder: Annotated[
        PathText | None,
        Field(description="class folders: `folder/CLASS/*.png`, or `folder/train/CLASS/*.png` with val and test beside train"),
    ] = None
    python: Annotated[str | None, Field(description="`package.module:function`, which returns the data")] = None
    options: Annotated[
        dict[str, Any],
        Field(description="arguments of that function, or a named set's choices, as `{name: emnist, options: {split: letters}}`"),
        BeforeValidator(lambda value: {} if value is None else read_data_numbers(value)),
    ] = {}
    path: Annotated[
        PathText | None,
        Field(description="where the files of a named set lie (torchvision's root, or the folder of its four idx files); also `root`"),
    ] = None
    download: Annotated[bool, Field(description="whether a named set may be fetched")] = False
    train: Annotated[Count | None, Field(description="images to train on; unset: the data set's usual split")] = None
    val: Annotated[Count | None, Field(description="images to choose by")] = None
    test: Annotated[Count | None, Field(description="images scored once, at the end")] = None
    layout: Annotated[
        Layout,
        Field(
            description="how class folders lie in `folder`: `folder/CLASS`, `folder/train/CLASS` or `folder/CLASS/train`; auto: told from "
            "the folders' names and contents"
        ),
    ] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**32, description="of the split, not of the training"), AS_COUNT] = 0
    size: Annotated[Pixels | None, Field(description="pixels on each side; unset: what most images have")] = None
    fit: Annotated[
        Literal["crop", "stretch"],
        Field(description="images of another size: the shorter side resized and the middle taken, or both sides resized (bilinear)"),
    ] = "crop"
    channels: Annotated[int | None, Field(ge=1, le=3, description="1 (grey) or 3 (RGB); unset: in colour if one image is"), AS_COUNT] = None
    alpha: Annotated[
        str,
        BeforeValidator(check_alpha),
        Field(description="the colour behind transparent pixels, a name or `'#rrggbb'`; `drop`: alpha is left out"),
    ] = "white"
    levels: Annotated[
        list[Annotated[float, AS_COUNT]] | None,
        AfterValidator(check_levels),
        Field(description="`[low, high]`: what becomes black and white in images of more than 8 bits; unset: decided by their values"),
    ] = None
    workers: Annotated[int, Field(ge=0, le=64, description="processes that decode images too many for the memory"), AS_COUNT] = 0
    on_bad_sample: Annotated[
        Literal["fail", "skip"],
        Field(description="an unreadable image: stop before anything is trained, or leave it out and report it"),
    ] = "fail"
    bad_share: Annotated[
        float,
        Field(ge=0, le=1, description="the share of images that `on_bad_sample: skip` may leave out, at least one image: `0.02` or `2%`"),
        AS_SHARE,
    ] = 0.001

    @model_validator(mode="after")
    def _one_source(self) -> DataSpec:
        if sum(source is not None for source in (self.name, self.folder, self.python)) != 1:
            raise ValueError("give either a name, a folder, or python: package.module:function")
        if self.channels == 2:
            raise ValueError("channels is 1 (grey) or 3 (RGB)")
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return the options that were set, as they would be written in YAML."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Description(NamedTuple):
    """The shape `(C, H, W)` and the number of classes that a network must match."""

    input_shape: tuple[int, int, int]
    n_classes: int


def read_spec(spec: str | Mapping[str, Any] | DataSpec, mark_of: MarkOf | None = None) -> DataSpec:
    """Return a DataSpec, given a data set's name, a folder, or the mapping of a study's `data:` (also as `{cifar10: {root: ...}}`).

    Raises BlockspaceError: E-DATA for an unknown name, E-CODE for a function of Python's own, E-KEY and E-TYPE for wrong options.
    """
    if isinstance(spec, DataSpec):
        return spec
    values, mark_of = normalize_spec(spec, mark_of)
    found = validate(DataSpec, values, "data", mark_of)
    if found.name is not None:
        check_named_dataset(found, mark_of)
    if found.python is not None:
        try:
            split_target(found.python)
        except BlockspaceError as e:
            raise e.at(mark_of(("python",)) if mark_of else None) from None
    return found


def normalize_spec(spec: Any, mark_of: MarkOf | None) -> tuple[Any, MarkOf | None]:
    """Return the mapping that a DataSpec takes: a name or folder alone, `{NAME: {...}}`, and `root` are other ways of writing it."""
    if isinstance(spec, str):
        return {"name": spec} if spec in DATASETS or not is_folder(spec) else {"folder": spec}, mark_of
    if not isinstance(spec, Mapping):
        return spec, mark_of
    values = dict(spec)
    if len(values) == 1 and (name := next(iter(values))) in DATASETS and (values[name] is None or isinstance(values[name], Mapping)):
        values = {"name": name} | dict(values[name] or {})
        outer = mark_of
        mark_of = (lambda path: outer((name, *path))) if outer else None
    if isinstance(values.get("name"), str) and values["name"] not in DATASETS and is_folder(values["name"]) and "folder" not in values:
        values["folder"] = values.pop("name")
    if "root" in values and "path" not in values:
        values["path"] = values.pop("root")
    return values, mark_of


def is_folder(text: str) -> bool:
    """Return whether a text is the path of something that exists, or no name: it begins with `~` or `.`, or has a separator."""
    return text.startswith(("~", ".", "file:")) or os.sep in text or os.path.exists(text)


def check_named_dataset(spec: DataSpec, mark_of: MarkOf | None) -> None:
    """Check that the data set is known and has the options. Raises BlockspaceError (E-DATA, E-KEY, E-TYPE)."""
    if spec.name not in DATASETS:
        help = f"{suggest_key(str(spec.name), list(DATASETS))}; or {{folder: my/images}}, or {{python: package.module:function}}"
        raise error("E-DATA", f"unknown data set {spec.name!r}, and no folder of that name", mark_of(("name",)) if mark_of else None, help)
    offered = DATASETS[spec.name].options
    for key, value in spec.options.items():
        mark = mark_of(("options", key)) if mark_of else None
        if key not in offered:
            raise error("E-KEY", f"data.options: {spec.name} has no option {key!r}", mark, f"known: {', '.join(offered) or 'none'}")
        if value not in offered[key]:
            legal = ", ".join(map(str, offered[key]))
            raise error("E-TYPE", f"data.options.{key}: {value!r} is not one of {legal}", mark)


def describe(spec: str | Mapping[str, Any] | DataSpec) -> Description:
    """Return input shape `(C, H, W)` and number of classes, without torch.

    Each file of a folder is read for it, once, unless the spec gives size and channels; a function of the user's is called.

    Raises BlockspaceError as `read_spec` does, and E-DATA for a folder that is missing or holds an empty class.
    """
    spec = read_spec(spec)
    if spec.folder is not None:
        found = find_images(spec.folder, spec.layout)
        return Description(read_folder_shape(found, spec.size, spec.channels), len(found.classes))
    if spec.python is not None:
        made = load_custom(spec.python, spec.options)
        return Description(read_custom_shape(made, spec.size, spec.channels), len(made.classes))
    known = DATASETS[str(spec.name)]
    channels, height, width = known.shape
    return Description((spec.channels or channels, spec.size or height, spec.size or width), known.count(spec.options))


def check_data(spec: str | Mapping[str, Any] | DataSpec) -> None:
    """Check, without torch and reading nothing but folders, that `load` will find its files.

    Raises BlockspaceError as `read_spec` does, and E-DATA for what is missing and may not be downloaded.
    """
    spec = read_spec(spec)
    if spec.folder is not None:
        find_images(spec.folder, spec.layout)
    elif spec.name is not None and DATASETS[spec.name].markers and not spec.download and find_place(spec) is None:
        raise make_missing_error(spec)


def can_describe(spec: DataSpec) -> bool:
    """Return whether `describe` runs no code of the user's."""
    return spec.python is None


class Place(NamedTuple):
    """The location of a data set: the folder that was searched, and the file or folder in it that identifies the data set."""

    root: Path
    marker: Path


def find_place(spec: DataSpec) -> Place | None:
    """Return the first place that holds a named data set."""
    found = (Place(root, root / marker) for root in list_places(spec) for marker in DATASETS[str(spec.name)].markers)
    return next((place for place in found if place.marker.exists()), None)


def make_missing_error(spec: DataSpec) -> BlockspaceError:
    """Return the error for a data set that no place holds."""
    known = DATASETS[str(spec.name)]
    looked = ", ".join(map(str, list_places(spec)))
    package = "apt-get install dataset-fashion-mnist, or " if spec.name == "fashion_mnist" else ""
    fetch = f"{known.by_hand}, then" if known.by_hand else f"{package}data={{name: {spec.name}, download: true}}, or"
    help = f"{fetch} data={{name: {spec.name}, root: FOLDER}}, or set ${DATA_VARIABLE}"
    return error("E-DATA", f"{spec.name} is not on this machine; looked in {looked} for {' or '.join(known.markers)}", help=help)


def download_root(spec: DataSpec) -> Path:
    """Return where a download goes: the given root, else $BLOCKSPACE_DATA, else an existing `data/`, else a cache in the home folder."""
    given = [place for place in list_places(spec) if place not in (DEBIAN, HERE)]
    return given[0] if given else HERE if HERE.is_dir() else find_home_folder(CACHE) or HERE


def list_places(spec: DataSpec) -> list[Path]:
    """Return the folders to look in for a named data set.

    These are the given root only; else $BLOCKSPACE_DATA, `data/`, for Fashion-MNIST Debian's, and the cache once something was downloaded
    into it.
    """
    if spec.path is not None:
        return [expand_path(spec.path)]
    from_user = [expand_path(os.environ[DATA_VARIABLE])] if os.environ.get(DATA_VARIABLE) else []
    home = find_home_folder(CACHE)
    cache = [home] if home is not None and home.is_dir() else []
    return [*from_user, HERE, *([DEBIAN] if spec.name == "fashion_mnist" else []), *cache]
