"""Put faults into a copy of the package, one at a time, and say which tests notice: ``python -m tests.faults``.

    python -m tests.faults                      all of table.py, a quarter of an hour
    python -m tests.faults reducer/ step/       those whose names begin so
    python -m tests.faults --list               their names, and what each does

A line a fault: noticed, and by which test; or LIVES ON. The exit code is 1 if any lives on, 2 if a test that should
notice fails without a fault, or is not there. A fault that makes a test hang is noticed, by its time limit.

Why no library of mutations. mutmut, cosmic-ray and mutatest change every operator and constant of a file, and run one
command for all: for this package tens of thousands of runs of a suite of minutes, most of whose mutants are equivalent
(a chunk's length, an error's text). The faults worth trying here are of other kinds: a wait that is left out, the sum
in another order, a row read from the wrong rank, one fsync less. They are chosen by hand, have names, and have the few
tests beside them that should notice, so that a fault takes seconds. mutmut also forks, which is not to be done once MPI
has started; mutatest has had no release since 2022. What they would give, a copy, a patch and a loop, is this file.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.fault import ROOT, Fault
from tests.faults.table import FAULTS
from tests.processes import output_of

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CITATION.cff", "LICENSE")
COPIED = ("ddtrain", "tests", "docs", "examples", "launch", "pyproject.toml", *PAGES)
LIMIT_S, WHOLE_LIMIT_S = 180, 1800  # for the tests of one fault, and for those of all together, without one
_PASSED, _NOTHING_RAN = 0, (3, 4, 5)  # pytest's exit codes; others: a test failed, no import went well, a crash


def copy(folder: Path) -> None:
    """A copy of the project, so that no fault is ever in the project itself."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)


@contextmanager
def within(fault: Fault, folder: Path) -> Iterator[None]:
    """Have the fault in the copy."""
    path = folder / fault.file
    sound, times = path.read_text(), path.stat()
    path.write_text(fault.applied(sound))
    try:
        yield
    finally:
        path.write_text(sound)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # so that what is compiled holds again


def run(
    tests: Sequence[str], folder: Path, limit_s: float, compiling: bool = False, native: bool = False
) -> tuple[int | None, str]:
    """pytest's exit code, None for a hang, and the tests that failed, or what it printed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "--no-header", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1", "DDTRAIN_TEST_HANG_S": "20"}
    environment["DDTRAIN_KERNELS"] = "native" if native else "reference"
    if not compiling:  # a file with a fault may be as old and as long as without
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    output, code = output_of([*command, "-o", "faulthandler_timeout=60", *tests], limit_s, environment, folder)
    if code is None:
        return None, "a hang"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    if not failed and code not in _NOTHING_RAN:
        return code, "a hang or a crash"  # of one test: it ended pytest
    return code, ", ".join(failed) or output[-2000:]


def try_out(faults: Sequence[Fault], folder: Path) -> int:
    """The exit code, and a line a fault."""
    copy(folder)
    for native in sorted({fault.native for fault in faults}):
        those = {test for fault in faults if fault.native == native for test in fault.tests}
        # docstrings' examples last
        code, said = run(sorted(those, reverse=True), folder, WHOLE_LIMIT_S, compiling=True, native=native)
        if code != _PASSED:
            print(f"without a fault, the tests do not pass:\n{said}")
            return 2
    alive = 0
    for fault in faults:
        began = time.perf_counter()
        with within(fault, folder):
            code, said = run(fault.tests, folder, LIMIT_S, native=fault.native)
        if code in _NOTHING_RAN:
            print(f"{fault.name}: pytest ended with {code}\n{said}")
            return 2
        alive += code == _PASSED
        verdict = "LIVES ON" if code == _PASSED else "noticed "
        by = "" if code == _PASSED else f"  {said.splitlines()[0] if said else ''}"
        print(f"{verdict}  {fault.name}{by}  ({time.perf_counter() - began:.1f} s)", flush=True)
    print(f"{len(faults) - alive} of {len(faults)} noticed")
    return int(alive > 0)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names; all unless told")
    parser.add_argument("--list", action="store_true", help="print the names, and where each fault is")
    told = parser.parse_args()
    wanted = [fault for fault in FAULTS if not told.names or fault.name.startswith(tuple(told.names))]
    if not wanted:
        parser.error(f"no fault's name begins with {' or '.join(told.names)}; see --list")
    if told.list:
        for fault in wanted:
            print(f"{fault.name}  {fault.file}\n    {fault.old.strip()}\n    -> {fault.new.strip() or '(nothing)'}")
        return 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        return try_out(wanted, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
