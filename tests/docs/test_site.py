"""The site builds without a warning, and what its pages take from the code is whole."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest

import blockspace
from blockspace.blocks import list_families, list_names, load
from blockspace.errors import CODES
from blockspace.ops import OPS
from blockspace.schema import CHANNEL_NAMES, FILE_KEYS, FUNCTIONS_MEAN, STEP_KEYS_MEAN, schema

ROOT = Path(__file__).parents[2]
DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))


def hook(name: str):
    """A hook of docs/, as mkdocs loads it."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every page as it is built."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
    for name in ("hooks", "library"):
        found = {page: hook(name).on_page_markdown(text) for page, text in found.items()}
    return found


def test_every_marker_is_filled(pages):
    assert not [name for name, text in pages.items() if "<!-- generated" in text or "<!-- library" in text]


def test_the_grammar_is_whole(pages):
    text = pages["grammar.md"]
    steps = [name for name, op in OPS.items() if op.step or op.kind == "merge"]
    wanted = [*steps, *FILE_KEYS, *STEP_KEYS_MEAN, *CHANNEL_NAMES, *FUNCTIONS_MEAN, *CODES]
    assert not [word for word in wanted if f"`{word}" not in text]


def test_the_library_is_whole(pages):
    text = pages["library.md"]
    assert not [name for name in list_families() if f"\n### {name}\n" not in text]
    assert not [name for name in list_names("network") if f"| `{name}` |" not in text]
    for name in list_names("block"):
        section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        block = load(name)
        wanted = (block.doc, block.equation, f"images/library/{name}.svg", "params", "Same outputs")
        missing = [part for part in wanted if part not in section]
        assert not missing and block.equation and block.paper, f"{name}: {missing}"


def test_every_option_of_a_study_is_explained(pages):
    found = schema("study")
    models = found["$defs"] | {"StudyFile": found}
    missing = [f"{m}.{key}" for m, about in models.items() for key in about.get("properties", {}) if f"`{key}" not in pages["study.md"]]
    assert not missing


def test_every_command_is_there(pages):
    from blockspace.cli.app import build_app

    registered = [command.name or command.callback.__name__ for command in build_app().registered_commands]
    assert not [name for name in registered if f"## blockspace {name}" not in pages["commands.md"]]


def test_meanings_cover_the_code():
    from blockspace.blocks import syntax
    from blockspace.blocks.expression import FUNCTIONS
    from blockspace.blocks.parameters import SPEC_KEYS
    from blockspace.blocks.template_file import KEYS
    from blockspace.schema import DEFAULTS_MEAN, PARAM_KEYS, SETTINGS

    assert set(FUNCTIONS_MEAN) == set(FUNCTIONS) and set(CHANNEL_NAMES) == set(syntax.OWN_NAMES)
    assert set(FILE_KEYS) == {key for keys in KEYS.values() for key in keys} and set(PARAM_KEYS) == set(SPEC_KEYS)
    assert set(DEFAULTS_MEAN) == set(syntax.DEFAULTS) and set(STEP_KEYS_MEAN) >= syntax.STEP_KEYS
    assert set(SETTINGS) >= {"k", *syntax.CONV_KEYS, *syntax.POOL_KEYS, *syntax.NORM_KEYS, *syntax.SHORTCUT_KEYS}


def test_the_claims_are_as_recomputed(pages):
    spec = importlib.util.spec_from_file_location("claims", ROOT / "benchmarks" / "claims.py")
    claims = importlib.util.module_from_spec(spec)
    sys.modules["claims"] = claims  # where its dataclass looks for itself
    spec.loader.exec_module(claims)
    assert claims.table() in pages["claims.md"], "python benchmarks/claims.py --write"


def test_links_lead_to_files():
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", *DOCS)]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))]
    inside = [(page, link.partition("#")[0]) for page, link in links if not link.startswith(("http", "#"))]
    assert inside and not [f"{page.name}: {target}" for page, target in inside if not (page.parent / target).exists()]


def test_every_page_is_in_the_navigation():
    pages = {Path(page).name for page in DOCS}
    assert set(re.findall(r"\b(\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)) == pages


def test_every_public_name_has_an_api_entry(pages):
    """Entries give the path of the definition: `blockspace.load` alone would be read as the module blocks/load.py."""
    documented = re.findall(r"^::: ([\w.]+)\.(\w+)$", pages["api.md"], re.MULTILINE)
    assert sorted(name for _, name in documented) == sorted(name for name in blockspace.__all__ if not name.startswith("__"))
    for module, name in documented:
        assert getattr(blockspace, name) is getattr(importlib.import_module(module), name)
        assert getattr(blockspace, name).__module__ == module


def test_every_home_in_the_glossary_exists(pages):
    rows = [row.split(" | ") for row in pages["glossary.md"].splitlines() if row.startswith("| ") and "---" not in row]
    homes = [row[-1].removesuffix(" |").strip("`") for row in rows if len(row) == 4 and "home" not in row[-1]]
    assert len(homes) > 50 and not [home for home in homes if home != "blockspace" and not importable(f"blockspace.{home}")]


def importable(path: str) -> bool:
    """Return whether `path` is a module, or a name that a module exports."""
    module, _, name = path.rpartition(".")
    try:
        importlib.import_module(path)
    except ModuleNotFoundError:
        return bool(module) and hasattr(importlib.import_module(module), name)
    return True


@pytest.mark.slow
def test_the_site_builds(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site"), strict=True)
    build(config)
    assert (tmp_path / "site" / "grammar" / "index.html").exists() and "http" not in external(tmp_path / "site" / "index.html")
    assert not list((tmp_path / "site").glob("*.py"))
    assert {path.stem for path in (tmp_path / "site/images/library").glob("*.svg")} == {*list_names("block"), *list_families()}


def external(page: Path) -> str:
    """The addresses a page loads scripts, styles and fonts from."""
    found = re.findall(r'<(?:script|link)[^>]+(?:src|href)="(http[^"]+)"', page.read_text())
    return " ".join(address for address in found if "canonical" not in address)
