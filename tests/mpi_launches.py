"""What a plain ``pytest`` adds to pytest-mpi: ranks. A pytest plugin, loaded by ``conftest.py``.

pytest-mpi runs tests marked ``@pytest.mark.mpi(min_size=N)`` on ranks that are there: ``mpirun -n 3 python -m pytest
--with-mpi tests`` runs those that fit three ranks, and with ``--only-mpi`` nothing else. A pytest that was given no
ranks runs each of them at every world size from 1 to 4 that fits: all of one size together in one ``mpirun -n N python
-m pytest --only-mpi``, in which every rank writes its reports; they are merged here. What hangs or crashes is ended,
blamed on the test that ran, and the rest is launched again.

With pytest-xdist (``-n 2``) all tests of one world size are one worker's, and any other test function is a unit of
work.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddtrain.comm import Communicator, backend_spec, launcher, make, run_ranks
from ddtrain.kernels.native import compiler
from processes import output_of
from worlds import mpirun

SIZES = (1, 2, 3, 4)
REPORTS = "DDTRAIN_TEST_REPORTS"  # folder for the reports of ranks that a plain pytest has started
HANG_S = float(os.environ.get("DDTRAIN_TEST_HANG_S", 60))  # for one test
LAUNCH_S = 400  # for all tests of one world size


@pytest.fixture(scope="session", autouse=True)
def no_processes_of_its_own(request: pytest.FixtureRequest) -> Iterator[None]:
    """On ranks that are there, a test that would start ranks or processes is skipped; any other runs on each rank.

    The compiler is welcome: which rank starts it, for a plan that is not in the cache yet, is a matter of chance.
    """
    start = subprocess.Popen.__init__

    def refuse(*args: Any, **keywords: Any) -> None:
        if sys._getframe(1).f_globals.get("__name__") == compiler.__name__:
            start(*args, **keywords)
        else:
            pytest.skip("starts ranks or processes of its own, which the processes of mpirun refuse")

    with pytest.MonkeyPatch.context() as patch:
        if on_ranks(request.config):
            patch.setattr(subprocess.Popen, "__init__", refuse)
            patch.setattr(os, "fork", refuse)
            patch.setattr(sys.modules[run_ranks.__module__], "resolve", refuse)
            patch.setattr(backend_spec, "_alone", refuse)
        yield


@pytest.fixture
def comm() -> Iterator[Communicator]:
    """The MPI communicator of a marked test: its own, so that no message of one test reaches the next."""
    duplicate = make("mpi")[0]
    yield duplicate
    duplicate.close()


def on_ranks(config: pytest.Config) -> bool:
    """Whether this pytest runs on ranks that are there, as pytest-mpi has it."""
    return bool(config.getoption("--with-mpi") or config.getoption("--only-mpi"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("mpi")
    if mark is None:
        return
    if on_ranks(metafunc.config):  # pytest-mpi skips what does not fit
        from mpi4py import MPI  # here, because importing it starts MPI

        sizes = [MPI.COMM_WORLD.size]
    else:
        sizes = [n for n in SIZES if n >= mark.kwargs.get("min_size", 1)]
    metafunc.fixturenames.append("world_size")
    metafunc.parametrize("world_size", sizes, ids=lambda n: f"np{n}")


def world_size(item: pytest.Item) -> int | None:
    """The number of ranks an item wants; None when it is no MPI test."""
    return item.callspec.params["world_size"] if item.get_closest_marker("mpi") else None


@pytest.hookimpl(tryfirst=True)  # before pytest-mpi reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = sorted({item.nodeid for item in items if "mpi" in item.keywords and not item.get_closest_marker("mpi")})
    if named:  # pytest-mpi takes a folder of that name for its mark, and would skip what is in it
        raise pytest.UsageError(f"not marked, but something on the way is called mpi: {named[0]}; rename it")
    if not on_ranks(config):
        # MPI tests last, as pytest does not set up and tear down here what runs elsewhere; first of a worker's.
        first = -1 if hasattr(config, "workerinput") else 1
        items.sort(key=lambda item: first * (world_size(item) or 0))


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("pytest_mpi"):
        raise pytest.UsageError("the tests need pytest-mpi: pip install 'ddtrain[test]'")
    if REPORTS in os.environ:
        config.pluginmanager.register(RankReporter(config))
    elif not on_ranks(config) and launcher().size == 1:
        config.pluginmanager.register(Launches())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Units of work for pytest-xdist: a world size, or a test function with all its parameters."""
    from xdist.scheduler import LoadScopeScheduling  # here, because pytest-xdist is optional

    class Units(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            ranks = re.search(r"[\[-]np(\d+)[\]-]", nodeid)
            return ranks[1] if ranks else nodeid.partition("[")[0]

    config.option.loadscopereorder = False  # the order of the items: the long launches first
    return Units(config, log)


# Within mpirun: write reports.


class RankReporter:
    """Writes this rank's reports, one JSON object a line, for the pytest that started it."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.path = Path(os.environ[REPORTS], f"rank{launcher().rank}.jsonl")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with self.path.open("a") as file:
            file.write(json.dumps(data, default=str) + "\n")


# Outside: start the ranks, merge what they report.

Reports = dict[int, list[pytest.TestReport]]  # by rank


class Launches:
    """Starts the ranks when the first test of a world size comes up, and shows merged reports."""

    def __init__(self) -> None:
        self.results: dict[str, tuple[Reports, str]] = {}  # node id -> reports, and why a rank has none

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        size = world_size(item)
        if size is None:
            return None
        faulthandler.cancel_dump_traceback_later()  # the ranks have their own time limits
        if item.nodeid not in self.results:
            ids = [other.nodeid for other in item.session.items if world_size(other) == size]
            self.run_all(item.config, size, ids)
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in merge(item, size, *self.results[item.nodeid]):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def run_all(self, config: pytest.Config, size: int, ids: list[str]) -> None:
        """Launch until every test has a result; the first that a launch left without one is to blame for its end."""
        while ids:
            reports, why = launch(config, size, ids)
            whole = [node for node in ids if is_whole(reports.get(node, {}), size)]
            lost = [node for node in ids if node not in whole]
            for node in whole + lost[:1]:
                self.results[node] = reports.get(node, {}), why
            ids = lost[1:]


def is_whole(reports: Reports, size: int) -> bool:
    return all(any(report.when == "teardown" for report in reports.get(rank, ())) for rank in range(size))


def launch(config: pytest.Config, size: int, ids: list[str]) -> tuple[dict[str, Reports], str]:
    """Run some tests under one mpirun. Returns the reports by test and rank, and how mpirun ended."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ids").write_text("\n".join(ids))
        command = [mpirun(), "-n", str(size), sys.executable, "-m", "pytest", "--only-mpi", "-q", "--no-header"]
        command += ["--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={config.rootpath}"]
        command += ["-o", f"faulthandler_timeout={HANG_S}", "-o", "faulthandler_exit_on_timeout=true", f"@{folder}/ids"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {REPORTS: folder, "OPENBLAS_NUM_THREADS": "1"}
        output, code = output_of(command, LAUNCH_S, env=environment, cwd=config.rootpath)
        why = f"mpirun was killed after {LAUNCH_S} s" if code is None else f"mpirun ended with {code}"
        reports: dict[str, Reports] = {}
        for rank in range(size):
            file = Path(folder, f"rank{rank}.jsonl")
            for line in file.read_text().splitlines() if file.exists() else ():
                report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
                if isinstance(report.longrepr, list):  # JSON made a list of the tuple that says why a test was skipped
                    report.longrepr = tuple(report.longrepr)
                reports.setdefault(report.nodeid, {}).setdefault(rank, []).append(report)
        return reports, f"{why}\n{output[-4000:]}"


def merge(item: pytest.Item, size: int, reports: Reports, why: str) -> list[pytest.TestReport]:
    """Rank 0's reports when all ranks are well, else one failure that shows every rank that is not."""
    failed = [(rank, report) for rank in sorted(reports) for report in reports[rank] if report.failed]
    silent = [rank for rank in range(size) if not is_whole({0: reports.get(rank, [])}, 1)]
    if not failed and not silent:
        return reports[0]
    parts = [f"[rank {rank}] {report.longreprtext}" for rank, report in failed]
    if silent:
        parts.append(f"no result from ranks {silent}: {why}")
    return [
        pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr="\n\n".join(parts),
            when="call",
        )
    ]
