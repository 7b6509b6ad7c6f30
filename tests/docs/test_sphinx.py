"""The manual builds without a warning, and its search finds what it should."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT

from processes import run_group

MISSING = [name for name in ("sphinx", "myst_parser", "furo") if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"the extra docs is not installed: no {', '.join(MISSING)}")
def test_the_manual_builds_without_a_warning(tmp_path: Path) -> None:
    made = shutil.ignore_patterns("build", "api", "options.md", "__pycache__")
    source = shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=made)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(source), str(tmp_path / "html")]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = run_group(command, 300, {**os.environ, "PYTHONPATH": path}, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ddtrain.fit" in (tmp_path / "html/reference/api/ddtrain.html").read_text()
    assert "--optim.beta1" in (tmp_path / "html/reference/options.html").read_text()
    index = (tmp_path / "html/searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")  # a script, which a browser loads from a file, too
    assert re.search(r'"?perplex\w*"?:', index), "the search knows the words of the pages"
