"""Whether mpirun's output is a terminal: in tables of processes made by hand, and with a real mpirun at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from ddtrain.trainer.records.launcher_terminal import columns_of, device
from worlds import mpirun

PYTHON = "/usr/bin/python3"
RANK = [PYTHON, "-m", "ddtrain.train"]


def table(proc: Path, parents: list[tuple[str, list[str], str]]) -> int:
    """A table of a process 100 under ``parents``, outermost first, each with its command line and standard output."""
    everyone = [("init (1)", ["init"], "/dev/console"), *parents, ("python3", RANK, "pipe:[7]")]
    pids = [1, *range(90, 90 + len(parents)), 100]
    for pid, parent, (name, command, output) in zip(pids, [0, *pids], everyone):
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1\n")
        (proc / str(pid) / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in command))
        (proc / str(pid) / "fd" / "1").symlink_to(output)
    return 100


def launched(output: str, *options: str, name: str = "mpirun") -> list[tuple[str, list[str], str]]:
    shell = ("bash", ["bash"], "/dev/pts/9")
    return [shell, (name, [name, *options, "-n", "2", *RANK], output), ("hydra_pmi_proxy", ["proxy"], "pipe:[5]")]


@pytest.mark.parametrize("output", ["/dev/pts/3", "/home/me/log", "pipe:[8]"])
@pytest.mark.parametrize("name", ["mpirun", "mpiexec.hydra", "prterun"])
def test_it_is_mpiruns_output_not_the_shells_and_not_the_helpers(output: str, name: str, tmp_path: Path) -> None:
    assert device(table(tmp_path, launched(output, name=name)), RANK, tmp_path) == Path(output)


@pytest.mark.parametrize(
    "option", ["-l", "-prepend-rank", "-outfile-pattern", "--output-filename", "--tag-output", "-xterm"]
)
def test_an_mpirun_that_writes_elsewhere_or_adds_to_lines_is_at_no_terminal(option: str, tmp_path: Path) -> None:
    found = device(table(tmp_path, launched("/dev/pts/3", option, "x")), RANK, tmp_path)
    assert found == Path(os.devnull)
    assert columns_of(found) == 0


def test_options_of_the_program_are_not_mpiruns(tmp_path: Path) -> None:
    parents = launched("/dev/pts/3")
    parents[1][1].extend(["--log.to", "csv", "-l", "-xterm"])
    assert device(table(tmp_path, parents), RANK, tmp_path) == Path("/dev/pts/3")


@pytest.mark.parametrize(
    "parents",
    [
        [],
        [("bash", ["bash"], "/dev/pts/9")],
        [*launched("/dev/pts/3"), ("sh", ["sh", "-c", "train | tee log"], "pipe:[5]")],
    ],
    ids=["none", "a shell", "mpirun, and a shell between"],
)
def test_a_process_that_mpirun_has_not_started_itself_has_none(
    parents: list[tuple[str, list[str], str]], tmp_path: Path
) -> None:
    assert device(table(tmp_path, parents), RANK, tmp_path) is None


def test_a_table_that_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    assert device(100, RANK, tmp_path) is None
    pid = table(tmp_path, launched("/dev/pts/3"))
    (tmp_path / "91" / "fd" / "1").unlink()
    assert device(pid, RANK, tmp_path) is None
    (tmp_path / "91" / "stat").write_text("")
    assert device(pid, RANK, tmp_path) is None


class Terminal:
    """A terminal of 90 columns, and what was written to it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        os.set_inheritable(self.theirs, True)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
        self.written = b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._ours, 4096):
                self.written += piece
        except OSError:
            return

    def close(self) -> bytes:
        """Everything that was written; the reader ends when nobody has the other end open any more."""
        if self._reader.is_alive():
            os.close(self.theirs)
            self._reader.join(10)
            os.close(self._ours)
        return self.written


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def test_columns_of_a_terminal(terminal: Terminal, tmp_path: Path) -> None:
    assert columns_of(Path(os.ttyname(terminal.theirs))) == 90
    (tmp_path / "file").touch()
    assert [columns_of(tmp_path / name) for name in ("file", "gone")] == [0, 0]


SHOW = """
import sys
from ddtrain.trainer.records.console import terminal_columns
from mpi4py.MPI import COMM_WORLD
if COMM_WORLD.rank == 0:
    print("columns", terminal_columns(sys.stdout), flush=True)
"""


@pytest.mark.parametrize("where", ["terminal", "file", "pipe"])
def test_ranks_draw_under_an_mpirun_at_a_terminal_and_never_into_a_file(
    where: str, terminal: Terminal, tmp_path: Path
) -> None:
    """Standard input and error are the terminal all the time, as in ``mpirun ... > log`` and ``mpirun ... | tee``."""
    environ = {name: value for name, value in os.environ.items() if name != "DDTRAIN_TTY"} | {"TERM": "xterm"}
    command = [mpirun(), "-n", "2", sys.executable, "-c", SHOW]
    with tempfile.TemporaryFile() as file:
        output = {"terminal": terminal.theirs, "file": file.fileno(), "pipe": subprocess.PIPE}[where]
        done = subprocess.run(
            command, stdin=terminal.theirs, stdout=output, stderr=terminal.theirs, env=environ, timeout=60, check=True
        )
        file.seek(0)
        said = {"file": file.read(), "pipe": done.stdout, "terminal": terminal.close()}[where]
    assert said.split() == [b"columns", b"90" if where == "terminal" else b"0"]
