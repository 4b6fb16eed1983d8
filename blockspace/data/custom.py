"""Data that a function of the user's returns: `data: {python: package.module:function, options: {...}}`. No torch here.

The function is called with the options as keyword arguments and returns the parts

    {"train": PART, "val": PART, "test": PART, "classes": ["cat", "dog"]}

of which all but train may be left out (val and test are then cut out of train, classes are numbered), or `(train, test)`, or train alone.
A PART is a pair of arrays or tensors `(images, labels)`, images `(N, C, H, W)` or `(N, H, W)`, uint8 in 0..255 or float, labels `(N,)`
integers from 0; or a torch Dataset whose items are `(image, label)`, an image being a PIL image, or an array or tensor `(C, H, W)`.
PIL images are decoded as files are: upright, without alpha, 8 bits.

Modules are looked for in the current folder, beside the study, and among the installed packages. A line on stderr says what is about to
run; functions of Python's own library are refused.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy

from blockspace.data.decode import IN_MEMORY, DatasetImages, describe_failure, to_array
from blockspace.data.image_facts import ImageFacts, Trait, examine_item
from blockspace.data.image_shape import decide_shape
from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.executions import announce_execution

PARTS = ("train", "val", "test")
CONTRACT = "return {'train': (images, labels) or a torch Dataset, 'test': ..., 'classes': [...]}; val, test and classes may be left out"


@dataclass(frozen=True, eq=False)
class CustomPart:
    """One part as it was given: `items` whose `[i]` is an image, their labels, whether `items` is one array `(N, C, H, W)`, and facts."""

    items: Any
    labels: list[int]
    is_array: bool
    facts: list[ImageFacts]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class CustomData:
    """The result of a data function: parts by name, and class names."""

    parts: dict[str, CustomPart]
    classes: tuple[str, ...]

    def list_facts(self) -> list[ImageFacts]:
        """Return the facts of all images."""
        return [one for part in self.parts.values() for one in part.facts]


def load_custom(target: str, options: Mapping[str, Any]) -> CustomData:
    """Return what `package.module:function` returns for these options, checked; the last one is kept.

    Raises BlockspaceError (E-DATA, E-LABEL)."""
    return load_cached(target, json.dumps(dict(options), sort_keys=True), os.getcwd())


@lru_cache(maxsize=1)
def load_cached(target: str, options: str, _folder: str) -> CustomData:
    """Return what `load_custom` does, given the options as JSON; other folders may hold other modules of one name."""
    found = call_function(target, json.loads(options))
    try:
        return check_parts(found)
    except BlockspaceError as e:
        raise e.at(None, f"{target}: ") from None


def call_function(target: str, options: dict[str, Any]) -> Any:
    """Return what the function returns. Raises BlockspaceError (E-DATA): no module, no function, or its exception, with its place."""
    function = import_function(target)
    try:
        return function(**options)
    except BlockspaceError:
        raise
    except (Exception, SystemExit) as reason:
        frames = traceback.extract_tb(reason.__traceback__)
        place = f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if len(frames) > 1 else ""
        message = f"{target} raised {type(reason).__name__}: {reason}{place}"
        raise error("E-DATA", message, help="it is called with data.options") from reason


def import_function(target: str) -> Callable[..., Any]:
    """Return the function that `package.module:function` names, after the line that says so. Raises BlockspaceError (E-DATA, E-CODE)."""
    module_name, name = split_target(target)
    make_importable(os.getcwd())
    importlib.invalidate_caches()
    spec = find_package(module_name)
    announce_execution("data", f"{target} for the data ({describe_home(spec)})")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as reason:
        if reason.name and (module_name + ".").startswith(reason.name + "."):
            raise missing_module_error(reason.name) from None
        raise error("E-DATA", f"data.python: {module_name} imports {reason.name!r}, which is not installed") from reason
    except (Exception, SystemExit) as reason:
        raise error("E-DATA", f"data.python: importing {module_name} raised {type(reason).__name__}: {reason}") from reason
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        problem = "has no" if function is None else "holds no function"
        help = did_you_mean(name, public) or f"known: {', '.join(public) or 'none'}"
        raise error("E-DATA", f"data.python: {module_name} {problem} {name!r}", help=help)
    home = find_home(function)
    if is_standard(home):
        raise standard_library_error(f"{target} is a function of {home}, of Python's")
    return function


def split_target(target: str) -> tuple[str, str]:
    """Return module and function of `package.module:function`; nothing is imported.

    Raises BlockspaceError: E-DATA for text of another form, E-CODE for a module of Python's own library.
    """
    module_name, _, name = target.partition(":")
    if not name.isidentifier() or not all(word.isidentifier() for word in module_name.split(".")):
        raise error("E-DATA", f"data.python: {target!r} names no function", help="write package.module:function, as mydata:make")
    if is_standard(module_name):
        raise standard_library_error(f"{module_name} is of Python's")
    return module_name, name


def make_importable(folder: str | os.PathLike[str]) -> None:
    """Put a folder on the path of modules of this process, and of the workers that it starts later."""
    path = str(Path(folder).absolute())
    if path not in sys.path:
        sys.path.insert(0, path)


def find_package(module_name: str) -> ModuleSpec:
    """Return where a module's package would be imported from. Raises BlockspaceError: E-DATA for none, E-CODE for Python's own."""
    top = module_name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a spec, as __main__
        spec = None
    if spec is None:
        raise missing_module_error(top)
    folder = Path(spec.origin or "").parent
    own = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    if spec.origin in ("built-in", "frozen") or {folder.resolve(), folder.resolve().parent} & own and not is_installed(folder):
        raise standard_library_error(f"{module_name} is of Python's")
    return spec


def is_standard(module: str) -> bool:
    """Return whether a module is of Python's standard library, or built into Python."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top in sys.builtin_module_names


def is_installed(folder: Path) -> bool:
    """Return whether a folder is among the installed packages."""
    return not {"site-packages", "dist-packages"}.isdisjoint(folder.parts)


def find_home(function: Any) -> str:
    """Return the module in which a function is defined, wherever it was found; of a partial call, that of the function inside."""
    while isinstance(function, functools.partial):
        function = function.func
    home = getattr(function, "__module__", None)
    return str(home or type(function).__module__)


def describe_home(spec: ModuleSpec) -> str:
    """Return where a package is, for people: its file, or that it is an installed package."""
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    place = Path(places[0]) if places else Path(spec.name)
    if is_installed(place):
        return f"of the installed package {spec.name}"
    relative = os.path.relpath(place)
    return str(place) if relative.startswith("..") else relative


def missing_module_error(name: str) -> BlockspaceError:
    """Return the error for a module that is nowhere."""
    help = f"it is looked for in {os.getcwd()}, beside the study, and among the installed packages"
    return error("E-DATA", f"data.python: no module {name!r}", help=help)


def standard_library_error(what: str) -> BlockspaceError:
    """Return the error for a function of Python's own library, of which a file must not choose one to be called."""
    help = "name a function of yours, in a file beside the study (of another name than Python's modules), or of an installed package"
    return error("E-CODE", f"data.python: {what} standard library; its functions are not called", help=help)


def check_parts(found: Any) -> CustomData:
    """Return parts and class names of what a function returned. Raises BlockspaceError (E-DATA, E-LABEL) where it breaks `CONTRACT`."""
    given = dict(found) if isinstance(found, Mapping) else name_parts(found)
    names = given.pop("classes", None)
    unknown = [name for name in given if name not in PARTS]
    if unknown or "train" not in given:
        what = f"the part {unknown[0]!r} is unknown" if unknown else "there is no train part"
        raise error("E-DATA", what, help=CONTRACT)
    parts = {name: read_part(given[name], name) for name in PARTS if given.get(name) is not None}
    check_one_kind(parts)
    return CustomData(parts, tuple(map(str, names)) if names is not None else number_classes(parts))


def name_parts(found: Any) -> dict[str, Any]:
    """Return parts by name, given `(train, test)`, `(images, labels)` of train, or a Dataset."""
    if isinstance(found, (tuple, list)) and len(found) == 2 and not hasattr(found[0], "shape"):
        return {"train": found[0], "test": found[1]}
    return {"train": found}


def read_part(given: Any, name: str) -> CustomPart:
    """Return one part: arrays, or a Dataset that is gone through once for its labels. Raises BlockspaceError (E-DATA)."""
    if isinstance(given, (tuple, list)) and len(given) == 2 and hasattr(given[0], "shape"):
        return read_array_part(read_array(given[0], f"the images of {name}"), read_array(given[1], f"the labels of {name}"), name)
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")) or isinstance(given, (str, tuple, list, Mapping)):
        raise error("E-DATA", f"{name} is {type(given).__name__}, neither (images, labels) nor a Dataset", help=CONTRACT)
    if len(given) == 0:
        raise error("E-DATA", f"{name} is empty")
    return read_dataset(given, name)


def read_dataset(dataset: Any, name: str) -> CustomPart:
    """Return a Dataset's images and labels, by going through it once; the images are kept on the way as long as they fit into memory."""
    labels, images, facts, size = [], [], [], 0
    for index in range(len(dataset)):
        image, label = read_pair(dataset, index, name)
        labels.append(label)
        facts.append(read_facts(image, f"{name}[{index}]", size <= IN_MEMORY))
        if size <= IN_MEMORY:
            images.append(image)
            size += count_part_bytes(image)
    return CustomPart(images if size <= IN_MEMORY else DatasetImages(dataset), labels, False, facts)


def read_facts(image: Any, where: str, whole: bool) -> ImageFacts:
    """Return the facts of a Dataset's image. Raises BlockspaceError (E-DATA) for what is no image, or cannot be decoded."""
    try:
        found = examine_item(image, whole)
    except Exception as reason:  # PIL raises a dozen types for damaged files
        raise error("E-DATA", f"{where} cannot be read: {describe_failure(reason)}") from reason
    if found is None:
        raise error("E-DATA", f"{where}: {type(image).__name__} is not an image", help="a PIL image, or an array or tensor (C, H, W)")
    return found


def check_one_kind(parts: Mapping[str, CustomPart]) -> None:
    """Check that images are all bytes or all floats: they are normalised alike. Raises BlockspaceError (E-DATA)."""
    first: dict[bool, str] = {}
    for name, part in parts.items():
        for index, one in enumerate(part.facts):
            first.setdefault(bool(one.traits & Trait.REAL), f"{name}[{index}]")
    if len(first) > 1:
        raise error("E-DATA", f"{first[True]} holds floats and {first[False]} bytes", help="give all images as uint8, or all as floats")


def count_part_bytes(image: Any) -> int:
    """Return the bytes of an image; one that PIL has only opened is read now, which closes its file."""
    if hasattr(image, "getbands"):
        image.load()
        return int(image.width * image.height * len(image.getbands()))
    return int(getattr(image, "nbytes", 0))


def read_pair(dataset: Any, index: int, name: str) -> tuple[Any, int]:
    """Return one item's image and label. Raises BlockspaceError (E-DATA, E-LABEL)."""
    try:
        item = dataset[index]
    except BlockspaceError:
        raise
    except Exception as reason:  # the user's code, or PIL's for a damaged file
        message = f"{name}[{index}] raised {type(reason).__name__}: {describe_failure(reason)}"
        raise error("E-DATA", message, help="repair the image, or leave it out") from reason
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise error("E-DATA", f"{name}[{index}] is {type(item).__name__}, not (image, label)", help=CONTRACT)
    try:
        label = int(item[1])
        if label != item[1]:
            raise ValueError
    except (TypeError, ValueError):
        raise error("E-LABEL", f"{name}[{index}]: the label {item[1]!r} is not an integer") from None
    return item[0], label


def read_array(value: Any, what: str) -> numpy.ndarray:
    """Return an array or a tensor as an array. Raises BlockspaceError (E-DATA) for what cannot be one, as lists of several lengths."""
    try:
        return to_array(value)
    except Exception as reason:  # numpy and torch raise half a dozen types
        text = f"{type(reason).__name__}: {describe_failure(reason)}"
        raise error("E-DATA", f"{what} cannot be read as an array: {text}", help=CONTRACT) from reason


def read_array_part(images: numpy.ndarray, labels: numpy.ndarray, name: str) -> CustomPart:
    """Return arrays as a part, checked. Raises BlockspaceError (E-DATA, E-LABEL)."""
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or labels.shape != (len(images),) or not len(images):
        raise error("E-DATA", f"{name} has images of shape {images.shape} and labels of shape {labels.shape}", help="(N, C, H, W) and (N,)")
    if images.shape[3] in (1, 3) and images.shape[1] > 4:
        help = "images.transpose(0, 3, 1, 2) is (N, C, H, W)"
        raise error("E-DATA", f"{name} has images of shape {images.shape}, channels last", help=help)
    if images.dtype != numpy.uint8:
        if images.dtype.kind != "f":
            raise error("E-DATA", f"{name} has images of {images.dtype}", help="give uint8 in 0..255, or float")
        images = images.astype(numpy.float32)
        if not numpy.isfinite(images).all():
            raise error("E-DATA", f"{name} has images with values that are NaN or infinite")
    if labels.dtype.kind not in "iu":
        raise error("E-LABEL", f"{name} has labels of {labels.dtype}, not integers")
    facts = examine_item(images[0])
    assert facts is not None  # of an array (C, H, W)
    return CustomPart(numpy.ascontiguousarray(images), labels.astype(numpy.int64).tolist(), True, [facts] * len(images))


def number_classes(parts: dict[str, CustomPart]) -> tuple[str, ...]:
    """Return the class names 0..n-1 where none were given: the labels must then be all of them. Raises BlockspaceError (E-LABEL)."""
    seen = sorted({label for one in parts.values() for label in one.labels})
    if seen[0] < 0:
        raise error("E-LABEL", f"labels run from {seen[0]} to {seen[-1]}, expected 0 and up", help="leave unlabelled images out")
    gaps = sorted(set(range(seen[-1] + 1)) - set(seen)) if seen[-1] < 10**6 else [0]
    if gaps:
        shown = ", ".join(map(str, gaps[:5])) + (", ..." if len(gaps) > 5 else "")
        message = f"labels run from {seen[0]} to {seen[-1]}, but only {len(seen)} of them occur; missing: {shown}"
        raise error("E-LABEL", message, help="number the classes 0, 1, 2, ..., or return their names as 'classes'")
    return tuple(map(str, seen))


def read_custom_shape(found: CustomData, size: int | None, channels: int | None) -> tuple[int, int, int]:
    """Return `(C, H, W)` of the images as they will be used: the options', else what all images decide. Raises BlockspaceError (E-DATA)."""
    return decide_shape(found.list_facts(), size, channels)
