"""CONTRIBUTING and the glossary name files and tables: all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MADE = ("dist/",)  # by a command of the same page


def test_files_that_are_named_exist() -> None:
    for page in ("CONTRIBUTING.md", "docs/glossary.md"):
        named = set(re.findall(r"`([\w./<>-]+/[\w./<>-]*)`", (ROOT / page).read_text())) - {*MADE}
        assert len(named) > 20
        for path in named:
            known = path[: path.index("<")].rpartition("/")[0] if "<" in path else path
            assert (ROOT / known).exists() or (ROOT / "ddtrain" / known).exists(), f"{page} names {path}"


@pytest.mark.parametrize(
    "table", ["VARIANTS", "HOOKS", "MODES", "SPECS", "_MAKERS", "WORKLOADS", "COMMANDS", "PEERS", "ACTIVATIONS"]
)
def test_tables_to_enter_a_part_in_are_where_the_page_says(table: str) -> None:
    line = re.search(rf"`{table}` (?:of|in) `([\w./]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert line, f"CONTRIBUTING does not say where {table} is"
    path = next(p for p in (ROOT / line[1], ROOT / "ddtrain" / line[1]) if p.exists())
    assert re.search(rf"^{table}\b.* = ", path.read_text(), re.MULTILINE), f"{line[1]} has no {table}"
