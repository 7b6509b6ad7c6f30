"""``bench comm``: figures of turns that were made up, and one sweep from command line to picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ddtrain.bench import mpirun
from ddtrain.bench.__main__ import main
from ddtrain.bench.comm import command as comm
from ddtrain.bench.comm import job as comm_job
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import ReplicaError
from worlds import World


def test_figures_are_of_the_slowest_and_ratios_of_turns_that_follow_each_other() -> None:
    ours = [{"began": t, "ended": t + s, "steps": 10} for t, s in ((0.0, 1e-5), (1.0, 2e-5), (2.0, 4e-5))]
    late = [{**turn, "ended": turn["ended"] + 1e-5} for turn in ours]
    twice = [{**turn, "ended": 2 * turn["ended"] - turn["began"]} for turn in late]
    found = comm.figures([{"ours": ours, "mpi": late}, {"ours": late, "mpi": twice}])
    assert found["ours_us"]["median"] == pytest.approx(3.0)
    assert found["mpi_ratio"] == {"median": 2.0, "q1": 2.0, "q3": 2.0}


def test_a_copy_moves_the_bytes_of_a_shared_sum() -> None:
    """P ranks: each reads n / P of P vectors and writes n / P; a copy of m bytes reads m and writes m."""
    moved: list[int] = []
    original = np.copyto

    def copyto(target: np.ndarray, source: np.ndarray) -> None:
        moved.append(target.nbytes + source.nbytes)
        original(target, source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "copyto", copyto)
        for ranks in (2, 4):
            comm_job._copy(1 << 20, ranks)()
    assert moved == [(1 << 20) + (1 << 19), (1 << 20) + (1 << 18)]


def test_a_sum_that_does_not_add_is_an_error() -> None:
    with pytest.raises(ReplicaError, match="lazy: sum of 8 bytes over 1 ranks is wrong"):
        comm_job._contestant(LocalCommunicator(), "lazy", lambda buf: buf.fill(7), np.empty(2, np.float32))


def test_every_size_has_turns_on_every_rank(world: World) -> None:
    ways = {"ours", "messages", "copy"}
    ranks = world.run(lambda comm: comm_job.run(comm, [4, 4096], seconds=0.02))
    for rank in ranks:
        assert {size: set(found) for size, found in rank.items()} == dict.fromkeys(("4", "4096"), ways)


def test_from_command_line_to_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "comm.json", tmp_path / "comm.png"
    args = ["--sizes", "4,64K", "--seconds", "0.02", "--json", str(file), "--plot", str(picture)]
    assert main(["comm", *args]) == 0
    result = json.loads(file.read_text())
    assert result["ranks"] == 2
    assert list(result["sizes"]) == ["4", "65536"]
    ways = {"ours_us", "mpi_us", "mpi_nonblocking_us", "copy_us", "mpi_ratio", "mpi_nonblocking_ratio", "copy_ratio"}
    ways |= {"messages_us", "messages_ratio"}
    assert all(set(row) == ways for row in result["sizes"].values())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "64 KB" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--sizes", "6"], "'6' is not a number of bytes that float32 fills"),
        (["--sizes", "4,,8"], "'' is not a number of bytes"),
        (["--sizes", "1G"], "'1G' is not a number of bytes"),
        (["--sizes", "2000M"], "up to 1073741824"),
        (["--ranks", "1"], "--ranks 1: a sum takes two ranks"),
        (["--ranks", "100000"], "100000 ranks are more than this machine can start"),
        (["--seconds", "-1"], "--seconds -1.0 is out of range"),
        (["--peers", "gloo"], "unknown peer 'gloo'"),
        (["--plot", "comm.bmp"], "unknown kind of picture"),
    ],
)
def test_mistakes_are_one_line_before_any_rank_starts(
    args: list[str], complaint: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpirun, "launch", lambda *args, **kwargs: pytest.fail("a rank was started"))
    assert main(["comm", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err
