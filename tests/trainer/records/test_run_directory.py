"""A run writes over nothing of anybody else's; what it goes back behind is put aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.trainer import atomic_files
from ddtrain.trainer.checkpoint import finder, writer
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.records import metrics, run_directory
from ddtrain.trainer.records.run_directory import NAMES, find_checkpoint, supersede
from ddtrain.trainer.records.run_lock import lock_run_directory


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(where: str = "", resume: str = "never") -> Config:
    return Config(run=Run(dir=where, resume=resume))


def locked(where: str = "", resume: str = "never"):
    return lock_run_directory(LocalCommunicator(), told(where, resume), "net")


def save(run_dir: Path | str, *steps: int) -> None:
    for step in steps:
        writer.write(run_dir, Snapshot(step, 0, 0, 0, {"w": np.full(2, step)}, {}), keep=99)


class TestFree:
    @staticmethod
    def find(where: str, resume: str = "never"):
        return find_checkpoint(LocalCommunicator(), told(where, resume), Path(where))

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("resume", ["never", "auto", "other"])
    def test_files_that_no_run_has_made_are_not_written_over(self, name, resume):
        save("other", 10)
        Path("mine").mkdir()
        Path("mine", name).write_text("precious") if name != "checkpoints" else Path("mine", name).mkdir()
        with pytest.raises(UsageError, match=f"mine has a {name} that no run has made"):
            self.find("mine", resume)

    @pytest.mark.parametrize("resume", ["never", "auto"])
    def test_a_search_is_no_place_for_a_run(self, resume):
        Path("mine").mkdir()
        Path("mine", "search.json").write_text("{}")
        with pytest.raises(UsageError, match=r"mine holds a search, not a run\n  Give another --run\.dir"):
            self.find("mine", resume)

    def test_other_files_may_lie_beside_a_run(self):
        Path("notes.txt").touch()
        assert self.find(".") is None

    def test_a_run_that_ended_before_its_first_step_gives_way(self):
        Path("run").mkdir()
        atomic_files.write_json("run/status.json", {"state": "failed"})
        for name in ("config.toml", "metrics.jsonl"):
            Path("run", name).touch()
        assert self.find("run") is None
        assert self.find("run", "auto") is None
        Path("run/metrics.jsonl").write_text("{}\n")
        with pytest.raises(UsageError, match="holds a run already"):
            self.find("run")

    def test_a_run_is_not_mixed_with_another(self):
        """To go on from elsewhere in the directory of a run would be to remove that run's checkpoints one by one."""
        save("run", 10)
        save("other", 20)
        for resume in ("never", "other", "other/checkpoints/step-00000020"):
            with pytest.raises(UsageError, match="run holds a run already"):
                self.find("run", resume)
        for resume in ("auto", "run", "run/checkpoints/step-00000010", str(Path("run").resolve())):
            assert self.find("run", resume).snapshot.step == 10
        assert self.find("new", "other").snapshot.step == 20


class TestSupersede:
    def test_what_is_newer_is_put_aside_with_its_part_of_the_log(self, monkeypatch):
        save("run", 10, 20, 30, 40)
        log = Path("run/metrics.jsonl")
        log.write_text("".join(f'{{"step": {step}}}\n' for step in (10, 20, 21, 40)))
        atomic_files.write_json("run/summary.json", {"steps": 40})
        synced = []
        monkeypatch.setattr(run_directory, "sync_directory", lambda path: synced.append(str(path)))
        said = supersede(Path("run"), 20, "run/checkpoints/step-00000020")
        aside = Path("run/superseded-1")
        assert set(synced[-3:]) == {"run", "run/checkpoints", "run/superseded-1"}, "names are on the disk"
        assert said == (
            "superseded: 2 checkpoints of steps 30 and 40, and the log after step 20, are now in run/superseded-1"
        )
        assert sorted(path.name for path in aside.iterdir()) == [
            "metrics.jsonl", "step-00000030", "step-00000040", "summary.json",
        ]  # fmt: skip
        assert [line["step"] for line in metrics.read(aside / "metrics.jsonl")] == [21, 40]
        assert finder.verify(aside / "step-00000040")["step"] == 40
        assert finder.latest("run").snapshot.step == 20
        save("run", 30)
        assert supersede(Path("run"), 10, "").endswith("and the log after step 10, are now in run/superseded-2")

    def test_nothing_newer_is_nothing_to_say(self):
        save("run", 10)
        assert supersede(Path("run"), 10, "auto") == ""
        assert [path.name for path in Path("run").iterdir()] == ["checkpoints"]

    def test_what_is_behind_a_link_is_not_moved(self):
        save("archive", 10, 20)
        Path("run").mkdir()
        Path("run/checkpoints").symlink_to(Path("archive/checkpoints").resolve())
        with pytest.raises(UsageError, match="behind a symbolic link"):
            supersede(Path("run"), 10, "run/checkpoints/step-00000010")
        assert supersede(Path("run"), 10, "auto") == "", "those that auto passed over were refused, and stay"
        assert finder.latest("archive").snapshot.step == 20
