"""How Sphinx builds the manual: ``python -m sphinx -W docs docs/build/html`` after ``pip install '.[docs]'``.

Its search needs no server and no network: open ``docs/build/html/index.html``. Before pages are read, those of the
reference that follow from the source are made of it, by ``made_pages.py``.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import made_pages

import ddtrain

project = "ddtrain"
copyright = "the authors of ddtrain"
version = release = ddtrain.__version__
extensions = ["myst_parser"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = f"ddtrain {version}"
html_copy_source = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # so that pages link to headings, as they do where Markdown is shown without Sphinx
suppress_warnings = ["myst.xref_missing"]  # links to files of the source, which tests/test_docs.py follows


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: made_pages.make(Path(app.srcdir) / "reference"))
