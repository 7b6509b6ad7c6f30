"""Pages made of the source have every option and every public name, and docstrings keep their structure."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import ddtrain
from ddtrain.optim import Optim
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.options import names

SOURCE = Path(__file__).parents[2] / "docs" / "made_pages.py"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("made_pages", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    made.make(folder)
    return folder


def test_every_option_is_there(pages: Path) -> None:
    text = (pages / "options.md").read_text()
    for option in names(Config()):
        section, dot, name = option.partition(".")
        assert f"- `{option}`" in text or f"- `{section}{dot}{name.removeprefix('no-')}`" in text, option
    for optimizer in Optim.parts:
        assert f"### optim: {optimizer}\n" in text


def test_every_public_name_is_there(pages: Path) -> None:
    text = (pages / "api" / "ddtrain.md").read_text()
    for name in ddtrain.__all__:
        assert f"\n## {name}\n" in text


def test_a_page_that_says_the_same_is_not_written_again(made: ModuleType, pages: Path) -> None:
    before = (pages / "options.md").stat().st_mtime_ns
    made.make(pages)
    assert (pages / "options.md").stat().st_mtime_ns == before


def test_sections_of_a_docstring_become_lists_and_examples(made: ModuleType) -> None:
    text = """A sum.

    Parameters
    ----------
    a, b : numbers, of any
        size
    *rest : more, see :func:`sum`

    Raises
    ------
    ValueError : never

    >>> 1 + 1
    2
    """
    assert made._markdown(made.inspect.cleandoc(text)) == (
        "A sum.\n\n**Parameters**\n\n- **a, b**: numbers, of any size\n- **\\*rest**: more, see `sum`\n\n\n"
        "**Raises**\n\n- **ValueError**: never\n\n\n```python\n>>> 1 + 1\n2\n```"
    )
