"""What is written down agrees with what is there."""

import re
import tomllib

from repo.helpers import ROOT, files

TOP_LEVEL = {
    "pyproject.toml", "README.md", "image", "overlay", "src", "plugins", "web", "systemd", "config", "tests",
    "build.sh", "LICENSE", "CHANGELOG.md", "docs",
}  # fmt: skip


def test_the_readme_gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\s<>=!~\[;]", one)[0].lower() for one in project["dependencies"]}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("Dependencies")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    reasons = {
        re.sub(r"[^a-z0-9-]", "", word.lower()): row[2].strip()
        for row in rows
        if len(row) > 3
        for word in re.split(r"[,\s]+", row[1])
    }
    assert {one for one in wanted if not reasons.get(one)} == set()


def test_the_top_level_holds_what_was_agreed() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {one for one in names if not one.startswith(".")} <= TOP_LEVEL


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = (ROOT / "config" / "lock" / "run.txt").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        package = re.split(r"[\s<>=!~\[;]", dependency)[0]
        assert re.search(rf"(?m)^{re.escape(package)}==", locked), package
