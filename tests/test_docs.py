"""What pages name is there: files, tables, headings, options. Their code is run by ``tests/docs``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_architecture import LAYER

from ddtrain import nn
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.listing import PARTS
from ddtrain.trainer.config.options import names

ROOT = Path(__file__).parent.parent
MADE = ("dist/",)  # by a command of the same page
PAGES = [*ROOT.glob("*.md"), *(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "api")]
PAGES = sorted(
    page for page in PAGES if page.name not in ("CHANGELOG.md", "options.md")
)  # the latter: made of the source
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
README_LINES = 110  # a page and a half
NOT_THERE = {  # options that pages name because there is no such option, or only in a script that they show
    "--optim.momentun",
    "--section.key",
    "--schedule.half-after",
    "--model.width",
    "--optim.file",
}


def test_files_that_are_named_exist() -> None:
    for page in ("CONTRIBUTING.md", "docs/glossary.md"):
        named = set(re.findall(r"`([\w./<>-]+/[\w./<>-]*)`", (ROOT / page).read_text())) - {*MADE}
        assert len(named) > 20
        for path in named:
            known = path[: path.index("<")].rpartition("/")[0] if "<" in path else path
            assert (ROOT / known).exists() or (ROOT / "ddtrain" / known).exists(), f"{page} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_of_the_project_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])((?:ddtrain|tests|examples|launch)/[\w./-]*+)(?!<)", page.read_text())
    for path in named:
        assert (ROOT / path.rstrip(".")).exists(), f"{page.name} names {path}"


def test_teachers_find_many_files() -> None:
    assert len(set(re.findall(r"`(\w+/[\w/]+\.py)`", (ROOT / "docs" / "teachers.md").read_text()))) > 80


def anchor(heading: str) -> str:
    """As links to a heading are spelled where Markdown is shown."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, place = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        made = file.parent.name == "api" or file.name == "options.md"
        assert file.exists() or made, f"{page.name} links to {target}"
        if place:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert place in map(anchor, headings), f"{page.name} links to {target}"


def options() -> set[str]:
    """All options of all parts and recipes, as the command line spells them."""
    found = {option for recipe in RECIPES.values() for option in names(recipe.config)} | set(names(Config()))
    for kind in PARTS.values():
        found |= {f"--{kind.kind}.{name[2:]}" for part in kind.parts.values() for name in names(part())}
    return found


def test_options_that_pages_name_exist() -> None:
    known = options() | NOT_THERE
    for page in PAGES:
        for option in re.findall(r"--[a-z]+\.[a-z][a-z0-9-]*", page.read_text()):
            assert option in known, f"{page.name} names {option}"


def test_names_of_nn_that_pages_use_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"\bnn\.([A-Za-z]\w*)", page.read_text()):
            assert name in nn.__all__ or "torch.nn" in page.read_text(), f"{page.name} names nn.{name}"


def test_the_floors_of_the_page_are_those_that_are_held() -> None:
    page = (ROOT / "docs" / "explanation" / "step.md").read_text()
    drawn = {
        name.rstrip("/"): int(row[0])
        for row in re.findall(r"^\| (\d) \| `(.+?)`", page, re.M)
        for name in row[1].split()
    }
    held = {name: max(0, int(floor)) for name, floor in LAYER.items() if floor < 8 and name not in ("", "__main__")}
    assert drawn == held


def test_the_readme_is_a_page_and_a_half() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


@pytest.mark.parametrize(
    "table", ["VARIANTS", "HOOKS", "MODES", "SPECS", "_MAKERS", "WORKLOADS", "COMMANDS", "PEERS", "ACTIVATIONS"]
)
def test_tables_to_enter_a_part_in_are_where_the_page_says(table: str) -> None:
    line = re.search(rf"`{table}` (?:of|in) `([\w./]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert line, f"CONTRIBUTING does not say where {table} is"
    path = next(p for p in (ROOT / line[1], ROOT / "ddtrain" / line[1]) if p.exists())
    assert re.search(rf"^{table}\b.* = ", path.read_text(), re.MULTILINE), f"{line[1]} has no {table}"
