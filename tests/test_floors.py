"""The floors: imports go down only, neighbours do not know each other, a floor is entered by its face; and the public names."""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest

import blockspace

PACKAGE = Path(blockspace.__file__).parent
FLOORS = (
    ("errors", "extensions", "shipped"), ("inputs", "units"), ("files", "reader", "options", "formatting", "executions"), ("quantities",),
    ("records", "ops"), ("graph",),
    ("drawing", "blocks", "passes", "costs", "executors"),
    ("searching", "compiler", "data"), ("training", "exporting", "reporting", "runtimes"), ("study",), ("schema",), ("cli",),
)  # fmt: skip
HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}
HEAVY = {  # package: the floors that may import it
    "torch": {"compiler", "data", "training", "exporting", "runtimes", "study"},
    "torchvision": {"compiler", "data", "training"},
    "timm": {"compiler", "exporting"},
    "lightning": {"training"},
    "optuna": {"searching"},
    "networkx": {"graph", "drawing"},
    "resvg_py": {"drawing"},
    "typer": {"cli"},
    "rich": {"cli", "reporting"},
    "sklearn": {"data"},
    "onnx": {"exporting"},
    "onnxruntime": {"exporting"},
}
PUBLIC = {
    "BlockspaceError", "Budget", "Graph", "canonical", "compile", "cost", "deploy", "export", "from_nx", "load", "load_pretrained",
    "replay", "search", "to_source", "train", "transplant",
}  # fmt: skip


def imports(path: Path) -> list[tuple[str, str, int]]:
    """Return (module, name, line) of every import in a file, in functions and by `import_module` too.

    `name` is empty for `import module` and `import_module("module")`.
    """
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, "", node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [(node.module, alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and called_name(node) == "import_module":
            found += [(module, "", node.lineno) for module in [imported_by_name(node.args[0])] if module]
    return found


def called_name(call: ast.Call) -> str:
    """Return the last part of the called function's name: `import_module` of `importlib.import_module(...)`."""
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def imported_by_name(argument: ast.expr) -> str:
    """Return the module that `import_module(argument)` names: of an f-string its constant beginning, of a variable nothing."""
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
        text = argument.value if isinstance(argument, ast.Constant) else ""
        return text if text.count(".") < 2 else text.rpartition(".")[0]  # `blockspace.ops.{file}` imports from blockspace.ops
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


def floor_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "blockspace" and len(parts) > 1 else None


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def package_imports() -> list[tuple[str, str, str, str, int]]:
    """Return (file, its floor, module, name, line) of every import in the package, each file parsed once."""
    files = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in HEIGHT)
    return [(str(path.relative_to(PACKAGE)), home(path), *found) for path in files for found in imports(path)]


def test_every_package_has_a_floor():
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert packages | modules == set(HEIGHT)


def test_imports_go_down():
    found = [(file, line, own, floor_of(module)) for file, own, module, _, line in package_imports()]
    assert len(found) > 1000
    wrong = [
        f"{file}:{line}: {own} may not import {other}"
        for file, line, own, other in found
        if other not in (None, own) and HEIGHT[other] >= HEIGHT[own]
    ]
    assert not wrong


def test_imports_by_name_are_seen(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("""def f(name):
    import_module("blockspace.passes")
    importlib.import_module(f"blockspace.ops.{name}")
    import_module(f"blockspace.{name}")
    import_module(name)
""")
    assert [module for module, _, _ in imports(file)] == ["blockspace.passes", "blockspace.ops", "blockspace."]


def test_a_floor_is_entered_by_its_face():
    wrong = [
        f"{file}:{line}: write `from blockspace.{floor_of(module)} import {name or '...'}`"
        for file, own, module, name, line in package_imports()
        if floor_of(module) not in (None, own) and module.count(".") != 1
    ]
    assert not wrong


def test_heavy_packages_stay_on_their_floors():
    found = [(file, line, own, module, HEAVY.get(module.split(".")[0])) for file, own, module, _, line in package_imports()]
    assert not [f"{file}:{line}: {module}" for file, line, own, module, floors in found if floors is not None and own not in floors]


def test_public_names():
    assert set(blockspace.__all__) == PUBLIC
    assert set(dir(blockspace)) >= PUBLIC
    assert all(getattr(blockspace, name) is not None for name in PUBLIC)
    with pytest.raises(AttributeError, match="nothing"):
        blockspace.nothing  # noqa: B018


FACES = [".".join(stub.parent.relative_to(PACKAGE.parent).parts) for stub in sorted(PACKAGE.rglob("__init__.pyi"))]


@pytest.mark.parametrize("face", FACES)
def test_every_name_of_a_face_is_there(face):
    """A stub promises names; each is found, and is what the stub's module holds."""
    package = importlib.import_module(face)
    stub = ast.parse((Path(package.__file__).parent / "__init__.pyi").read_text())
    homes = {a.asname or a.name: node for node in ast.walk(stub) if isinstance(node, ast.ImportFrom) and node.level for a in node.names}
    assert set(homes) <= set(dir(package))
    for name, node in homes.items():
        home = importlib.import_module(f"{face}.{node.module}" if node.module else f"{face}.{name}")
        assert getattr(package, name) is (getattr(home, name) if node.module else home)
