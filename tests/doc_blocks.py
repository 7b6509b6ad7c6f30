"""The code of a page of the manual, run from top to bottom as a reader would: ``python tests/doc_blocks.py PAGE``.

In the present directory, block after block:

- ``python`` runs, in one namespace a page; where it begins with ``>>>``, what it shows is compared;
- ``console`` runs in bash what stands behind ``$``; what stands below is compared, ``...`` meaning anything, and a
  command may fail only where that is shown;
- a block of any language whose first line is ``# NAME.EXT`` is a file, and is written.

``<!-- not run: REASON -->`` in the line before a block leaves it out.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 100  # of a command
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block: its language, its text, the number of its first line, and why it is not run."""

    language: str
    text: str
    line: int
    not_run: str = ""

    @property
    def file(self) -> str:
        """The name of the file that it is, if it is one."""
        named = re.match(r"# ([\w-]+\.\w+)\n", self.text)
        return named[1] if named else ""


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page's text."""
    for found in re.finditer(r"(?:<!-- not run: (.+?) -->\n)?^```([\w{}-]+)\n(.*?)^```$", page, re.M | re.S):
        yield Block(found[2], found[3], page[: found.start(3)].count("\n") + 1, found[1] or "")


def run(path: Path) -> int:
    """Run the blocks of a page; returns how many ran."""
    module = types.ModuleType("page")
    sys.modules["page"] = module
    sys.argv = ["page.py"]
    count = 0
    for block in blocks(path.read_text()):
        if block.not_run:
            continue
        place = f"{path.name}, line {block.line}"
        if block.file:
            Path(block.file).write_text(block.text)
        elif block.language == "console":
            _console(block.text, place)
        elif block.language == "python":
            _python(block, path, module.__dict__, place)
        else:
            continue
        count += 1
    return count


def _python(block: Block, path: Path, names: dict[str, object], place: str) -> None:
    if not block.text.startswith(">>>"):
        exec(compile("\n" * (block.line - 1) + block.text, str(path), "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, place, str(path), block.line - 1)
    failed = doctest.DocTestRunner(optionflags=_FLAGS).run(test, clear_globs=False).failed
    names.update(test.globs)
    if failed:
        sys.exit(f"{place}: {failed} examples show something else")


def _console(text: str, place: str) -> None:
    commands = re.findall(r"^\$ (.*(?:\n> .*)*)\n?((?:(?!\$ ).*\n)*)", text, re.M)
    assert commands, f"{place}: a console block without a command"
    for command, shown in commands:
        done = subprocess.run(
            ["bash", "-c", command.replace("\n> ", "\n")],
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
        )
        print(f"$ {command}\n{done.stdout}", flush=True)
        if done.returncode and "error" not in shown:
            sys.exit(f"{place}: {command}: exit code {done.returncode}")
        if shown.strip() and not doctest.OutputChecker().check_output(shown, done.stdout, _FLAGS):
            sys.exit(f"{place}: {command} prints something else than\n{shown}")


def environment() -> dict[str, str]:
    """That of commands: this Python, this project and mpirun first, one BLAS thread a rank, more ranks than cores."""
    shims = Path(".bin").absolute()
    if shutil.which("ddtrain") is None and not shims.exists():  # the project is there, but not installed
        shims.mkdir()
        (shims / "ddtrain").write_text('#!/bin/sh\nexec python -m ddtrain "$@"\n')
        (shims / "ddtrain").chmod(0o755)
    path = [str(Path(sys.executable).parent), os.environ["PATH"], str(shims)]
    return {
        **os.environ,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OPENBLAS_NUM_THREADS": "1",
        "COLUMNS": "120",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }


if __name__ == "__main__":
    sys.path[0] = ""  # the page's directory, not that of this file
    print(f"{run(Path(sys.argv[1]))} blocks ran")
