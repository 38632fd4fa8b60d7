"""config/aetherlens.yaml is the reference: it names every setting with its default."""

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import yaml

from aetherlens.settings import ENVIRONMENT, Settings, load

REFERENCE = Path(__file__).parents[3] / "config" / "aetherlens.yaml"


def uncommented() -> str:
    """Return the file with each `# setting: value` uncommented and the words left out."""
    return re.sub(r"(?m)^  # ([a-z_]+: \S.*)$", r"  \1", REFERENCE.read_text(encoding="utf-8"))


@pytest.fixture
def everything() -> dict[str, dict[str, object]]:
    """All that the file sets once it is uncommented."""
    raw: dict[str, dict[str, object]] = yaml.safe_load(uncommented())
    return raw


def test_as_delivered_it_changes_nothing(tmp_path: Path) -> None:
    assert load({"AETHERLENS_HOME": str(tmp_path), "AETHERLENS_CONFIG": str(REFERENCE)}) == Settings()


def test_uncommented_it_says_the_defaults_exactly(tmp_path: Path) -> None:
    file = tmp_path / "aetherlens.yaml"
    file.write_text(uncommented(), encoding="utf-8")
    assert load({"AETHERLENS_HOME": str(tmp_path), "AETHERLENS_CONFIG": str(file)}) == Settings()


def test_it_names_every_setting_in_the_order_of_the_records(everything: dict[str, dict[str, object]]) -> None:
    defaults = msgspec.to_builtins(Settings())
    assert [(section, list(values)) for section, values in everything.items()] == [
        (section, list(values)) for section, values in defaults.items()
    ]


def test_every_setting_is_explained() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    for previous, line in pairwise(lines):
        if re.match(r"  # [a-z_]+: \S", line):
            assert re.match(r"  # \S", previous), f"{line} has no words before it"


@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_each_variable_is_named_beside_its_setting(variable: str) -> None:
    _, key = ENVIRONMENT[variable]
    assert re.search(rf"\[{variable}\b[^\]]*\]\n  # {key}: ", REFERENCE.read_text(encoding="utf-8"))


def test_no_other_variable_is_named() -> None:
    named = re.findall(r"\[([A-Z][A-Z_]+)", REFERENCE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(ENVIRONMENT)
