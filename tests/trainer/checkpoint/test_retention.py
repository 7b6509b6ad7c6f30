"""The newest and the best checkpoints stay; what is not ours, or lies behind a link, is never removed."""

import math

import pytest
from snapshots import assert_same, make, steps

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.checkpoint import finder, writer
from ddtrain.trainer.checkpoint.contents import FILES, STATE
from ddtrain.trainer.checkpoint.finder import load, verify
from ddtrain.trainer.checkpoint.writer import write


class TestRetention:
    def test_the_newest_and_the_best(self, tmp_path):
        for step, loss in [(10, 0.9), (20, 0.1), (30, math.nan), (40, 0.5), (50, 0.6), (60, 0.7)]:
            write(tmp_path, make(step, loss), keep=2)
        assert steps(tmp_path) == [20, 50, 60]

    @pytest.mark.parametrize("losses", [[0.1, math.nan], [math.nan, 0.1, math.nan], [0.1, 0.2, math.nan, math.nan]])
    def test_a_nan_is_never_the_best(self, tmp_path, losses):
        for step, loss in enumerate(losses, start=1):
            write(tmp_path, make(step, loss), keep=1)
        assert steps(tmp_path) == [losses.index(0.1) + 1, len(losses)]

    def test_the_best_is_a_checkpoint_of_the_step_that_was_evaluated(self, tmp_path):
        """Others hold the figures of an evaluation before them, and other parameters than it was of."""
        for step, evaluated, loss in [(15, 10, 0.1), (20, 20, 0.5), (25, 20, 0.5), (30, 30, 0.6)]:
            write(tmp_path, make(step, loss, evaluated=evaluated), keep=1)
        assert steps(tmp_path) == [20, 30]

    def test_the_first_of_equals_is_the_best(self, tmp_path):
        for step in (10, 20, 30):
            write(tmp_path, make(step, 0.5), keep=1)
        assert steps(tmp_path) == [10, 30]

    @pytest.mark.parametrize("loss", [math.nan, -math.inf, math.inf])
    def test_what_is_not_finite_is_never_the_best(self, tmp_path, loss):
        for step, each in [(10, loss), (20, 0.5), (30, loss), (40, 0.6)]:
            write(tmp_path, make(step, each), keep=1)
        assert steps(tmp_path) == [20, 40]

    def test_an_evaluation_completes_the_checkpoint_that_was_saved_before_it(self, tmp_path):
        write(tmp_path, make(10, 0.5), keep=1)
        path = write(tmp_path, make(20, 0.5, evaluated=10), keep=1)
        before = {name: (path / name).read_bytes() for name in FILES}
        assert steps(tmp_path) == [10, 20], "the best so far stays while nothing is known of the new one"
        changes = {"metrics": {"valid_loss": 0.4}, "evaluated": 20, "coordinator": {"best": 0.4}}
        writer.complete(LocalCommunicator(), path, lambda: changes, keep=1)
        assert_same(load(path).snapshot, make(20, 0.4, coordinator={"best": 0.4}))
        assert all((path / name).read_bytes() == before[name] for name in FILES if name != STATE)
        assert steps(tmp_path) == [20]

    def test_what_is_not_there_is_not_completed(self, tmp_path):
        writer.complete(LocalCommunicator(), finder.path_of(tmp_path, 10), dict)
        assert not (tmp_path / "checkpoints").exists()

    def test_figures_of_an_evaluation_before_are_no_checkpoints_own(self, tmp_path):
        """That of step 20 found 0.1, and its checkpoint could not be saved."""
        for step, loss, evaluated in [(10, 0.5, 10), (25, 0.1, 20), (30, 0.7, 30)]:
            write(tmp_path, make(step, loss, evaluated=evaluated), keep=1)
        assert steps(tmp_path) == [10, 30]

    def test_without_evaluations_there_is_no_best(self, tmp_path):
        for step in (10, 20, 30):
            write(tmp_path, make(step, metrics={}), keep=2)
        assert steps(tmp_path) == [20, 30]

    @pytest.mark.parametrize("keep", [0, 1])
    def test_never_fewer_than_one(self, tmp_path, keep):
        for step in (10, 20):
            write(tmp_path, make(step, metrics={}), keep)
        assert steps(tmp_path) == [20]

    def test_a_damaged_best_is_no_best(self, tmp_path):
        (write(tmp_path, make(10, 0.1), keep=1) / STATE).write_text("{")
        write(tmp_path, make(20), keep=1)
        assert steps(tmp_path) == [20]

    def test_what_is_not_ours_stays(self, tmp_path):
        notes = write(tmp_path, make(10), keep=1) / "notes.txt"
        shelf = tmp_path / "checkpoints"
        mine = [
            notes,
            shelf / "step-first" / "x",
            shelf / "README",
            shelf / ".tmp-step-00000001" / "mine",
            shelf / "step-3",
        ]
        for path in mine[:-1]:
            path.parent.mkdir(exist_ok=True)
            path.write_text("precious")
        mine[-1].write_text("a file with a checkpoint's name")
        for step in (20, 30):
            write(tmp_path, make(step, metrics={}), keep=1)
        assert all(path.exists() for path in mine)
        assert verify(notes.parent)["step"] == 10

    def test_a_future_that_a_resumed_run_did_not_have_is_not_a_saves_to_remove(self, tmp_path):
        for step in (10, 20, 30, 15, 16):
            write(tmp_path, make(step, metrics={}), keep=1 if step < 20 else 3)
        assert steps(tmp_path) == [16, 20, 30]

    def test_what_lies_behind_a_link_stays_as_it_is(self, tmp_path):
        """A checkpoint of the archive, linked; and then all of its checkpoints."""
        archived = write(tmp_path / "archive", make(10, 0.1))
        write(tmp_path / "archive", make(12, 0.9))
        look = lambda: {path: path.read_bytes() for path in archived.parent.rglob("*.*")}
        before = look()
        one, all_of_them = tmp_path / "one", tmp_path / "all"
        (one / "checkpoints").mkdir(parents=True)
        (one / "checkpoints" / archived.name).symlink_to(archived)
        all_of_them.mkdir()
        (all_of_them / "checkpoints").symlink_to(archived.parent)
        for run_dir in (one, all_of_them):
            spared = finder.behind_symbolic_link(run_dir)
            linked = finder.path_of(run_dir, 10)
            writer.complete(LocalCommunicator(), linked, lambda: {"evaluated": 0}, keep=1, spared=spared)
            for step in (20, 30, 40):
                write(run_dir, make(step, metrics={}), keep=1, spared=spared)
            assert steps(run_dir) == ([10, 40] if run_dir is one else [10, 12, 40])
            assert load(linked).snapshot.step == 10
            assert before.items() <= look().items()
        for step, loss in [(50, 0.4), (60, 0.5)]:
            write(one, make(step, loss), keep=1)
        assert steps(one) == [10, 50, 60], "the best of its own, whatever the archive has"
        write(one, make(10, metrics={}), keep=3)
        assert before.items() <= look().items(), "a link is replaced as a link"

    def test_what_was_not_replaced_yet_is_taken_back(self, tmp_path):
        """A writer was killed between the two renames that replace the best."""
        best = write(tmp_path, make(20, 0.1))
        best.rename(best.with_name(".old-step-00000020"))
        write(tmp_path, make(30, 0.5), keep=1)
        assert steps(tmp_path) == [20, 30]

    def test_a_link_takes_the_place_of_none(self, tmp_path):
        elsewhere = write(tmp_path / "other", make(20, 0.1))
        write(tmp_path, make(10, 0.5))
        (tmp_path / "checkpoints" / "step-00000020").symlink_to(elsewhere)
        write(tmp_path, make(30, 0.6), keep=2)
        assert steps(tmp_path) == [10, 20, 30]
        write(tmp_path, make(40, 0.7), keep=1)
        assert steps(tmp_path) == [10, 20, 40], "the best is this run's own"
        assert verify(elsewhere)

    def test_what_a_killed_writer_had_not_replaced_yet_is_taken_back(self, tmp_path):
        for step in (10, 20):
            write(tmp_path, make(step, metrics={}))
        killed = tmp_path / "checkpoints" / "step-00000020"
        killed.rename(killed.with_name(f".old-{killed.name}"))  # between the two renames of the same step's next save
        write(tmp_path, make(30, metrics={}))
        assert steps(tmp_path) == [10, 20, 30]
        assert_same(load(killed).snapshot, make(20, metrics={}))

    def test_the_same_step_again_replaces_it(self, tmp_path):
        write(tmp_path, make(10, seed=1))
        assert_same(load(write(tmp_path, make(10, seed=2))).snapshot, make(10, seed=2))
        assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000010"]
