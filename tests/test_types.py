"""What a type checker sees: a user's script without an error, and no exported name that is `Any`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import blockspace

PACKAGE = Path(blockspace.__file__).parent
FACES = sorted(PACKAGE.rglob("__init__.pyi"))
SCRIPT = '''
from pathlib import Path

import blockspace as bs

network = bs.load("resnet20", n=1)
graph = bs.canonical(network.graph())
cost = bs.cost(graph)
print(f"{cost.macs:,} macs, {cost.params:,} params")
module = bs.compile(graph, seed=0)
fast = bs.compile(bs.deploy(graph), weights_from=module)
Path("resnet20.py").write_text(bs.to_source(graph))
try:
    study = bs.search(
        Path("studies/hs_vs_resnext.yaml"), trials=40, data="fashion_mnist", out=Path("runs/mine"), train={"epochs": 3, "optimizer": "sgd"},
        budget={"macs": {"low": "96%", "high": 60_000_000}}, per_choice={"block": "equal"}, objectives=[{"maximize": "val_acc"}],
    )
except bs.BlockspaceError as e:
    raise SystemExit(e.exit_code) from e
print(study.answer, study.results[0]["macs"])
best = study.front[0]
exported = bs.export(best, "out/", formats=["py", "onnx"])
print(exported.folder / "model.py")
trained = bs.train("resnet20", data={"name": "digits", "size": 8}, train={"optimizer": {"adamw": {"lr": 1e-3}}}, seed=1, n=1)
print(trained.result.metrics["test_acc"], trained.folder)
'''
WRONG = {
    'bs.search("s.yaml", trails=40)': 'Unexpected keyword argument "trails"',
    'bs.search("s.yaml", trials="many")': 'Argument "trials" to "search" has incompatible type',
    'bs.train("resnet20", train={"epocs": 3})': 'incompatible type "dict[str, int]"; expected "RecipeKeywords',
    'bs.train("resnet20", seed="x")': 'Argument "seed" to "train" has incompatible type',
}


def exported_names(stub: Path) -> list[str]:
    """Return the names that a face exports."""
    found = [alias.asname for node in ast.walk(ast.parse(stub.read_text())) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return [name for name in found if name]


def module_of(stub: Path) -> str:
    return ".".join(stub.parent.relative_to(PACKAGE.parent).parts)


pytestmark = pytest.mark.slow  # mypy reads torch too: minutes without its cache


@pytest.fixture(scope="module")
def revealed(tmp_path_factory) -> dict[str, list[tuple[int, str]]]:
    """What mypy says of the scripts, file by file: (line, message)."""
    mypy = pytest.importorskip("mypy.api")
    folder = tmp_path_factory.mktemp("types")
    (folder / "user_script.py").write_text(SCRIPT)
    (folder / "user_mistakes.py").write_text("\n".join(["import blockspace as bs", *WRONG]))
    faces = [f"import {module_of(stub)}" for stub in FACES]
    names = [f"reveal_type({module_of(stub)}.{name})" for stub in FACES for name in exported_names(stub)]
    (folder / "faces.py").write_text("\n".join([*faces, *names]))
    files = [str(folder / name) for name in ("user_script.py", "user_mistakes.py", "faces.py")]
    config = str(PACKAGE.parent / "pyproject.toml")
    out, err, _ = mypy.run(["--no-error-summary", "--config-file", config, "--cache-dir", str(PACKAGE.parent / ".mypy_cache"), *files])
    assert not err
    found: dict[str, list[tuple[int, str]]] = {Path(file).name: [] for file in files}
    for line in out.splitlines():
        path, number, message = re.fullmatch(r"(.+?):(\d+): (.*)", line).groups()
        if Path(path).name in found:
            found[Path(path).name].append((int(number), message))
    return found


def test_a_users_script_has_no_type_error(revealed):
    assert revealed["user_script.py"] == []


def test_wrong_arguments_are_type_errors(revealed):
    for number, (line, message) in enumerate(WRONG.items(), 2):
        assert any(message in text for at, text in revealed["user_mistakes.py"] if at == number), line


@pytest.mark.parametrize("stub", FACES, ids=module_of)
def test_no_exported_name_is_any(revealed, stub):
    """A name is not `Any`, a function does not return it."""
    lines = (f"{module_of(other)}.{name}" for other in FACES for name in exported_names(other))
    number_of = {name: number for number, name in enumerate(lines, len(FACES) + 1)}
    types = dict(revealed["faces.py"])
    for name in exported_names(stub):
        text = types.get(number_of[f"{module_of(stub)}.{name}"], "nothing")
        assert re.search(r'Revealed type is "(?!Any)', text), f"{name}: {text}"
        if module_of(stub) == "blockspace":
            assert not re.search(r'-> Any"', text), f"{name}: {text}"
