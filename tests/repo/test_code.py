"""The house style where a machine can hold it."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from repo.helpers import ROOT, docstrings, files, imports, modules, name, tree

MAX_LINES = 400
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/plugin.yaml"))

#: A statement in capitals with the word that follows it: prose does not look like this.
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|VIEW))\b",
    re.DOTALL,
)
#: embedded.py makes the database in which all else is: before it, there are no named statements.
SQL_ALLOWED = {"src/aetherlens/storage/embedded.py": {"SELECT 1 FROM pg_database WHERE datname = $1"}}


@pytest.mark.parametrize("path", modules("src", "plugins", "web"), ids=name)
def test_a_module_is_about_one_thing(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", modules("src", "plugins", "web", "tests"), ids=name)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", modules("src", "plugins", "web"), ids=name)
def test_sql_stands_in_sql_files(path: Path) -> None:
    skipped = docstrings(tree(path))
    texts = {
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
    }
    assert {text for text in texts if SQL.search(text)} <= SQL_ALLOWED.get(name(path), set())


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_imports_the_sdk_the_standard_library_and_what_it_declares(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "plugin.yaml").read_text(encoding="utf-8"))
    declared = {re.split(r"[\s<>=!~\[;]", one)[0] for one in manifest.get("dependencies", {}).get("python", [])}
    own = {path.stem for path in folder.glob("*.py")}
    # msgspec and h11 come with the SDK.
    allowed = sys.stdlib_module_names | own | declared | {"aetherlens_sdk", "msgspec"}
    for path in folder.glob("*.py"):
        assert set(imports(path)) <= allowed, name(path)


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_declares_nothing_it_does_not_import(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "plugin.yaml").read_text(encoding="utf-8"))
    declared = set(manifest.get("dependencies", {}).get("python", []))
    imported = {module for path in folder.glob("*.py") for module in imports(path)}
    assert declared <= imported


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    places = re.compile(rb"(?<![\w.$}-])/(root|work|Users|home/[a-z]+)/")
    guilty = [
        name(path)
        for path in files()
        if path.suffix not in {".png", ".ico", ".woff2"} and places.search(path.read_bytes())
    ]
    assert [path for path in guilty if path != name(Path(__file__))] == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    marks = re.compile("TO" + "DO|FIX" + "ME|X" + "XX:|HA" + "CK")
    guilty = [name(path) for path in modules("src", "plugins", "web", "tests") if marks.search(path.read_text())]
    assert guilty == []
