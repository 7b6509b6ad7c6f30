"""Every code block of the manual and the README runs; those that cannot, say why, and are counted."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from doc_blocks import ROOT, blocks

from processes import run_group

PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "api" not in p.parts)]
WITH_CODE = [page for page in PAGES if {"python", "console"} & {block.language for block in blocks(page.read_text())}]
NEEDED = {
    ".plot(": "matplotlib",
    "matplotlib": "matplotlib",
    "PIL": "PIL",
    "EventAccumulator": "tensorboard",
    "log.to tensorboard": "tensorboardX",
}  # by what a page's code says
MISSING = {used: name for used, name in NEEDED.items() if importlib.util.find_spec(name) is None}
MISSING |= {} if shutil.which("mpirun") else {"mpirun": "mpirun"}
SHOWN = {"text", "toml", "bash", "yaml", "{toctree}"}  # languages that are only shown, or are files of a page
NOT_RUN = {  # why, and how many blocks
    "makes a virtual environment": 3,
    "needs a batch system": 1,
    "needs another framework": 2,
    "needs two machines": 1,
    "takes minutes": 1,
}


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT).with_suffix("")))
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    code = "".join(block.text for block in blocks(page.read_text()) if not block.not_run)
    missing = [what for used, what in MISSING.items() if used in code]
    if missing:
        pytest.skip(f"the page needs {', '.join(missing)}")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    done = run_group([sys.executable, str(ROOT / "tests" / "doc_blocks.py"), str(page)], 110, env, tmp_path)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_blocks_that_do_not_run_say_why_and_are_few() -> None:
    found = Counter(block.not_run for page in PAGES for block in blocks(page.read_text()) if block.not_run)
    assert found == NOT_RUN


def test_blocks_have_a_language_that_is_run_or_shown() -> None:
    for page in PAGES:
        for block in blocks(page.read_text()):
            assert block.language in SHOWN | {"python", "console"}, f"{page.name}, line {block.line}: {block.language}"
        fences = page.read_text().count("\n```")
        assert fences == 2 * len(list(blocks(page.read_text()))), f"{page.name}: a fence without a language"


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    wrong = {
        "python": "```python\n1 / 0\n```\n",
        "shown": "```python\n>>> 1 + 1\n3\n```\n",
        "command": "```console\n$ exit 3\n```\n",
        "output": "```console\n$ echo one\ntwo\n```\n",
    }
    for name, text in wrong.items():
        page = tmp_path / f"{name}.md"
        page.write_text(text)
        command = [sys.executable, str(ROOT / "tests" / "doc_blocks.py"), str(page)]
        done = run_group(command, 60, dict(os.environ), tmp_path)
        assert done.returncode != 0, f"{name}: {done.stdout}"
