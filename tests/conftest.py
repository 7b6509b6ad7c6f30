"""Tests on several ranks: the ``world`` fixture for ranks in this process, ``@pytest.mark.mpi`` for real ones.

``world`` runs a body on one rank and on two and three threads, through the ``run_ranks`` of production::

    def test_sum(world):
        assert world.run(lambda comm: comm.exchange_objects(comm.rank)) == [list(range(world.size))] * world.size

A test marked ``mpi`` runs at every world size of its mark. From a plain ``pytest`` the marked tests of one size run
together in one ``mpirun -n N pytest``; every rank writes its reports, and they are merged here. What hangs or crashes
is ended, blamed on the test that ran, and the rest is launched again. Within mpirun this file is loaded by every rank.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddtrain.comm import Communicator, launcher, make
from worlds import World, mpirun

SIZES = (1, 2, 3, 4)
REPORTS = "DDTRAIN_TEST_REPORTS"  # folder for the reports of ranks that a plain pytest has started
WITHIN_MPI = REPORTS in os.environ or launcher().size > 1
HANG_S = float(os.environ.get("DDTRAIN_TEST_HANG_S", 60))  # for one test
LAUNCH_S = 400  # for all tests of one world size


@pytest.fixture(params=["local", "threads:2", "threads:3"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture
def comm() -> Iterator[Communicator]:
    """The MPI communicator of a marked test: its own, so that no message of one test reaches the next."""
    duplicate = make("mpi")[0]
    yield duplicate
    duplicate.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("mpi")
    if mark:
        sizes = [n for n in mark.kwargs.get("sizes", SIZES) if n >= mark.kwargs.get("min_size", 1)]
        metafunc.fixturenames.append("world_size")
        metafunc.parametrize("world_size", sizes, ids=lambda n: f"np{n}")


def world_size(item: pytest.Item) -> int | None:
    """The number of ranks an item wants; None when it is no MPI test."""
    return item.callspec.params["world_size"] if item.get_closest_marker("mpi") else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if WITHIN_MPI:  # the tests of this world size
        from mpi4py import MPI

        kept = [item for item in items if world_size(item) == MPI.COMM_WORLD.size]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    else:  # MPI tests last, as pytest does not set up and tear down here what runs elsewhere
        items.sort(key=lambda item: world_size(item) or 0)


# Within mpirun: write reports.


class RankReporter:
    """Writes this rank's reports, one JSON object a line, for the pytest that started it."""

    def __init__(self, config: pytest.Config) -> None:
        from mpi4py import MPI

        self.config = config
        self.path = Path(os.environ[REPORTS], f"rank{MPI.COMM_WORLD.rank}.jsonl")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with self.path.open("a") as file:
            file.write(json.dumps(data, default=str) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    if REPORTS in os.environ:
        config.pluginmanager.register(RankReporter(config))
    elif not WITHIN_MPI:
        config.pluginmanager.register(Launches())


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
        command = [mpirun(), "-n", str(size), sys.executable, "-m", "pytest", "-q", "--no-header", "--no-summary"]
        command += ["-p", "no:cacheprovider", "-p", "no:pytest_mpi", f"--rootdir={config.rootpath}", f"@{folder}/ids"]
        command += ["-o", f"faulthandler_timeout={HANG_S}", "-o", "faulthandler_exit_on_timeout=true"]
        environment = {**os.environ, REPORTS: folder, "OPENBLAS_NUM_THREADS": "1"}
        environment.pop("PYTEST_CURRENT_TEST", None)
        output, why = run_group(command, environment, config.rootpath)
        reports: dict[str, Reports] = {}
        for rank in range(size):
            file = Path(folder, f"rank{rank}.jsonl")
            for line in file.read_text().splitlines() if file.exists() else ():
                report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(line))
                if isinstance(report.longrepr, list):  # JSON made a list of the tuple that says why a test was skipped
                    report.longrepr = tuple(report.longrepr)
                reports.setdefault(report.nodeid, {}).setdefault(rank, []).append(report)
        return reports, f"{why}\n{output[-4000:]}"


def run_group(command: list[str], environment: dict[str, str], folder: Path) -> tuple[str, str]:
    """Output of a command, and how it ended; at the time limit its whole process group is killed."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=LAUNCH_S)[0], f"mpirun ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], f"mpirun was killed after {LAUNCH_S} s"


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
