"""Checkpoints are whole or refused by name, whatever happens between any two system calls."""

import dataclasses
import errno
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ddtrain.checkpoint import main
from ddtrain.comm import run_ranks
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint import contents, manager
from ddtrain.trainer.checkpoint.contents import FILES, MEMORY, MODEL, OPTIM, STATE, Snapshot
from ddtrain.trainer.checkpoint.manager import latest, load, verify, write


def make(step=120, valid_loss=0.5, seed=0, **changes):
    rng = np.random.default_rng(seed + step)
    made = Snapshot(
        step=step,
        epoch=2,
        position=96,
        seed=7,
        model={
            "head.weight": rng.normal(size=(3, 5)).astype(np.float32),
            "head.bias": rng.normal(size=3),
            "norm.num_batches_tracked": np.array(step),
            "transposed": rng.normal(size=(4, 2)).T,
            "empty": np.empty((0, 3), np.float32),
        },
        optim={"velocity": rng.normal(size=20).astype(np.float32)},
        memory={"0/own.empty": np.empty((0, 2), np.int64), "1/sum.residual": rng.normal(size=3)},
        optim_count=step,
        config={"optim": {"lr": 0.1}},
        coordinator={"best": None, "schedule": {}},
        metrics={"valid_loss": valid_loss},
        params_sha256="ab" * 32,
    )
    return dataclasses.replace(made, **changes)


def assert_same(ours, theirs):
    for field in dataclasses.fields(Snapshot):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        if field.name not in ("model", "optim", "memory"):
            assert a == b, field.name
            continue
        assert set(a) == set(b)
        for name in a:
            assert (a[name].shape, a[name].dtype) == (b[name].shape, b[name].dtype), name
            np.testing.assert_array_equal(a[name], b[name])


def steps(run_dir):
    return sorted(int(path.name[5:]) for path in (run_dir / "checkpoints").glob("step-*"))


class TestRoundTrip:
    def test_everything_comes_back(self, tmp_path):
        path = write(tmp_path, make())
        assert path == tmp_path / "checkpoints" / "step-00000120"
        assert sorted(entry.name for entry in path.iterdir()) == sorted(FILES)
        assert_same(load(path).snapshot, make())

    def test_ranks_that_remember_nothing_leave_no_file(self, tmp_path):
        path = write(tmp_path, make(memory={}))
        assert sorted(entry.name for entry in path.iterdir()) == sorted({*FILES} - {MEMORY})
        assert_same(load(path).snapshot, make(memory={}))

    def test_other_readers_of_safetensors_can_read_the_model(self, tmp_path):
        from safetensors.numpy import load_file

        tensors = load_file(write(tmp_path, make()) / MODEL)
        np.testing.assert_array_equal(tensors["transposed"], make().model["transposed"])

    def test_the_state_is_valid_json_even_with_a_nan(self, tmp_path):
        path = write(tmp_path, make(valid_loss=math.nan))
        strict = json.loads((path / STATE).read_text(), parse_constant=pytest.fail)
        assert strict["metrics"] == {"valid_loss": "NaN"}
        assert set(strict["versions"]) == {"ddtrain", "numpy", "blas", "cpu", "kernels", "python"}
        assert verify(path) == strict
        assert math.isnan(load(path).snapshot.metrics["valid_loss"])

    def test_the_same_snapshot_gives_the_same_bytes(self, tmp_path):
        one, other = write(tmp_path / "a", make()), write(tmp_path / "b", make())
        assert all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)

    @pytest.mark.parametrize("where", ["", "checkpoints", "checkpoints/step-00000120"])
    def test_load_takes_a_checkpoint_or_its_run(self, tmp_path, where):
        write(tmp_path, make())
        assert load(tmp_path / where).snapshot.step == 120


class TestDamage:
    """No byte may change unnoticed, and the message names the file."""

    @pytest.fixture
    def path(self, tmp_path):
        return write(tmp_path, make())

    @pytest.mark.parametrize("name", FILES)
    def test_every_flipped_bit_is_refused(self, path, name):
        whole = (path / name).read_bytes()
        rng = np.random.default_rng(0)
        header = range(min(len(whole), 120))
        for position in {*header, *rng.integers(0, len(whole), 80).tolist(), len(whole) - 1}:
            damaged = bytearray(whole)
            damaged[position] ^= 1 << int(rng.integers(8))
            (path / name).write_bytes(damaged)
            with pytest.raises(CheckpointError, match=name):
                load(path)

    @pytest.mark.parametrize("name", FILES)
    def test_every_truncation_and_addition_is_refused(self, path, name):
        whole = (path / name).read_bytes()
        cuts = np.random.default_rng(1).integers(0, len(whole), 50).tolist()
        for changed in [
            *(whole[:cut] for cut in cuts),
            whole[:-1],
            whole + b"\0",
            whole + b"\n",
            whole * 2,
            b" " + whole,
        ]:
            (path / name).write_bytes(changed)
            with pytest.raises(CheckpointError, match=name):
                load(path)

    @pytest.mark.parametrize("name", FILES)
    def test_a_missing_file_and_a_directory_in_its_place(self, path, name):
        (path / name).unlink()
        with pytest.raises(CheckpointError, match=rf"{name}.*No such file"):
            manager.decode(path)
        (path / name).mkdir()
        with pytest.raises(CheckpointError, match=rf"{name}.*Is a directory"):
            load(path)

    def test_swapped_files_of_equal_size(self, path, tmp_path):
        other = write(tmp_path / "other", make(seed=1))
        for name in (MODEL, OPTIM):
            assert (path / name).stat().st_size == (other / name).stat().st_size
            whole = (path / name).read_bytes()
            shutil.copy(other / name, path / name)
            with pytest.raises(CheckpointError, match=name):
                load(path)
            (path / name).write_bytes(whole)
        assert load(path)

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", "null", '{"step": 3}', "[" * 100_000, '{"format": "pickle"}', "\xff"]
    )
    def test_foreign_state(self, path, text):
        (path / STATE).write_text(text, encoding="latin-1")
        with pytest.raises(CheckpointError, match=STATE):
            load(path)

    def test_a_future_version_is_refused_as_such(self, path, monkeypatch):
        version = contents.FORMAT_VERSION
        monkeypatch.setattr(contents, "FORMAT_VERSION", version + 1)
        future = write(path.parents[1], make(121))
        monkeypatch.undo()
        with pytest.raises(CheckpointError, match=f"format version {version + 1}; this ddtrain reads up to {version}"):
            load(future)

    def test_version_1_which_evaluated_before_it_saved(self, path):
        state = manager.read_state(path) | {"format_version": 1}
        del state["evaluated"], state["model_sha256"]
        (path / STATE).write_bytes(contents.sealed(state))
        assert load(path).snapshot.evaluated == 120

    def test_something_else_entirely(self, tmp_path):
        (tmp_path / "model.pt").write_bytes(b"PK\3\4 not for us")
        with pytest.raises(CheckpointError, match=r"model\.pt"):
            load(tmp_path / "model.pt")
        with pytest.raises(CheckpointError, match="neither a checkpoint"):
            load(tmp_path)
        with pytest.raises(CheckpointError, match="nowhere"):
            load(tmp_path / "nowhere")

    def test_a_sparse_giant_is_refused_by_its_size(self, path):
        for name in (MODEL, STATE):
            whole = (path / name).read_bytes()
            os.truncate(path / name, 1 << 40)
            with pytest.raises(CheckpointError, match=f"{1 << 40} bytes"):
                load(path)
            (path / name).write_bytes(whole)


class TestFit:
    @pytest.mark.parametrize(
        ("name", "wanted", "message"),
        [
            ("head.weight", np.empty((3, 4), np.float32), "checkpoint (3, 5) float32, model (3, 4) float32"),
            ("head.weight", np.empty((3, 5)), "checkpoint (3, 5) float32, model (3, 5) float64"),
            ("head.gain", np.empty(3), "checkpoint has none, model (3,) float64"),
            ("head.bias", None, "checkpoint (3,) float64, model has none"),
        ],
    )
    def test_the_parameter_that_differs_is_named_with_both_sides(self, name, wanted, message):
        saved = make()
        model = {**saved.model, name: wanted}
        with pytest.raises(CheckpointError, match=re.escape(f"parameter {name}: {message}")):
            saved.require({key: x for key, x in model.items() if x is not None}, saved.optim)

    def test_so_is_the_optimizers_state(self):
        with pytest.raises(CheckpointError, match=r"optimizer state m: checkpoint has none.*and 2 more"):
            make().require(make().model, {"m": np.empty(20), "v": np.empty(20)})

    def test_equal_is_fine_in_any_order(self):
        make().require(dict(reversed(make().model.items())), make().optim)


class TestLatest:
    def test_none_is_none(self, tmp_path):
        assert latest(tmp_path) is None
        assert latest(tmp_path / "not there") is None

    def test_newest_by_number_not_by_name(self, tmp_path):
        for step in (99_999_999, 100_000_000):
            write(tmp_path, make(step))
        assert latest(tmp_path).snapshot.step == 100_000_000

    def test_an_older_good_one_is_used_and_says_so(self, tmp_path):
        for step in (10, 20, 30):
            write(tmp_path, make(step))
        shelf = tmp_path / "checkpoints"
        os.truncate(shelf / "step-00000030" / MODEL, 100)
        (shelf / "step-00000020" / STATE).unlink()
        found = latest(tmp_path)
        assert found.snapshot.step == 10
        assert len(found.refused) == 2
        assert "step-00000030 refused" in found.refused[0]
        assert "100 bytes" in found.refused[0]
        assert "state.json" in found.refused[1]

    def test_none_good_is_an_error_not_a_new_start(self, tmp_path):
        os.truncate(write(tmp_path, make(10)) / OPTIM, 0)
        with pytest.raises(CheckpointError, match=r"no checkpoint is good.*step-00000010.*optim"):
            latest(tmp_path)

    def test_half_written_ones_do_not_count(self, tmp_path):
        write(tmp_path, make(10)).rename(tmp_path / "checkpoints" / ".tmp-step-00000010")
        assert latest(tmp_path) is None


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
        manager.complete(LocalCommunicator(), path, lambda: changes, keep=1)
        assert_same(load(path).snapshot, make(20, 0.4, coordinator={"best": 0.4}))
        assert all((path / name).read_bytes() == before[name] for name in FILES if name != STATE)
        assert steps(tmp_path) == [20]

    def test_what_is_not_there_is_not_completed(self, tmp_path):
        manager.complete(LocalCommunicator(), manager.path_of(tmp_path, 10), dict)
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
            spared = manager.behind_a_link(run_dir)
            linked = manager.path_of(run_dir, 10)
            manager.complete(LocalCommunicator(), linked, lambda: {"evaluated": 0}, keep=1, spared=spared)
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


CALLS = ("fsync", "rename", "mkdir", "unlink", "rmdir", "replace")


def count_calls(monkeypatch, on_call):
    """Have ``on_call(n)`` run before the n-th system call that changes a directory or syncs."""
    seen = [0]

    def wrap(real):
        def call(*args, **kwargs):
            seen[0] += 1
            on_call(seen[0])
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, wrap(getattr(os, name)))
    return seen


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_anything_goes(tmp_path, monkeypatch):
    """A page cache hides a missing fsync from every other test, so the order of the calls is looked at."""
    write(tmp_path, make(10, metrics={}), keep=1)
    calls = []

    def recorded(name, real):
        def call(*args):
            target = os.readlink(f"/proc/self/fd/{args[0]}") if name == "fsync" else os.fspath(args[0])
            calls.append((name, os.path.basename(target)))
            return real(*args)

        return call

    for name in ("fsync", "rename", "rmdir"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    write(tmp_path, make(20, metrics={}), keep=1)
    assert calls == [
        ("fsync", tmp_path.name),
        *(("fsync", name) for name in FILES),
        ("fsync", ".tmp-step-00000020"),
        ("rename", ".tmp-step-00000020"),
        ("fsync", "checkpoints"),
        ("rename", "step-00000010"),
        ("fsync", "checkpoints"),
        ("rmdir", ".gone-step-00000010"),
    ]
    calls.clear()
    manager.amend(tmp_path / "checkpoints" / "step-00000020", {"evaluated": 20})
    state = ".tmp-state.json"
    assert calls == [("fsync", state), ("rename", state), ("fsync", "step-00000020")]


def test_nothing_older_goes_before_the_new_one_was_read_back(tmp_path, monkeypatch):
    write(tmp_path, make(10, metrics={}), keep=1)
    honest = manager.write_new
    monkeypatch.setattr(manager, "write_new", lambda path, data: honest(path, data[:-1] + b"x"))
    with pytest.raises(CheckpointError, match=r"step-00000020.*damaged"):
        write(tmp_path, make(20, metrics={}), keep=1)
    assert latest(tmp_path).snapshot.step == 10


def no_space(call):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it, so nothing is cleaned up."""


def history(run_dir):
    """Saves of every kind: one beside another, one in place of another; completions that remove one or the other."""
    write(run_dir, make(10, 0.5), keep=1)
    yield 10
    for step, loss in [(20, 0.6), (30, 0.4), (30, 0.3), (40, 0.2)]:
        path = write(run_dir, make(step, 0.5, evaluated=0), keep=1)
        yield step
        manager.amend(path, {"metrics": {"valid_loss": loss}, "evaluated": step}, keep=1)
        yield step


def test_killed_between_any_two_calls_whole_checkpoints_are_found_and_the_next_save_cleans_up(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a killed writer's bytes are not lost, and this is quicker
    for n in range(1, 500):
        run_dir, reached = tmp_path / str(n), 0

        def kill(call, n=n):
            if call == n:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            seen = count_calls(patch, kill)
            try:
                for step in history(run_dir):
                    reached = step
            except Killed:
                assert seen[0] == n
        found = latest(run_dir)
        if reached:
            assert found.snapshot.step >= reached, "what was saved is there"
            assert found.refused == ()
            assert_sound(run_dir)
        write(run_dir, make(50, 0.1), keep=1)
        assert [path.name for path in (run_dir / "checkpoints").iterdir()] == ["step-00000050"]
        if seen[0] < n:
            break
    assert 80 < n < 499  # every call of these saves was hit, and then one was not


def assert_sound(run_dir):
    """Whatever looks like a checkpoint is a whole one, for those who look with other eyes, too."""
    assert main(["verify", str(run_dir)]) == 0
    for path in (run_dir / "checkpoints").glob("step-*"):
        assert verify(path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_an_error_at_any_call_keeps_the_old_and_says_why(tmp_path, code):
    write(tmp_path, make(10, metrics={}, memory={}), keep=1)
    messages = []
    for n in range(1, 100):

        def fail(call, n=n):
            if call == n:
                raise OSError(code, os.strerror(code))

        with pytest.MonkeyPatch.context() as patch:
            seen = count_calls(patch, fail)
            try:
                write(tmp_path, make(20, metrics={}, memory={}), keep=2)
            except CheckpointError as error:
                messages.append(error.message)
        assert latest(tmp_path).refused == ()
        assert not list((tmp_path / "checkpoints").glob(".tmp-*"))
        if seen[0] < n:
            break
    assert len(messages) >= 7  # three files, two directories, the rename, ...
    for part in (errno.errorcode[code], "bytes wanted", str(tmp_path)):
        assert all(part in message for message in messages)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_FSIZE as Linux has it")
def test_a_real_limit_on_file_sizes(tmp_path):
    """EFBIG from the kernel, in the middle of a file, in a process of its own."""
    write(tmp_path, make(10))
    program = f"""
import resource, numpy as np
from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint.manager import write
from ddtrain.trainer.checkpoint.contents import Snapshot
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write({str(tmp_path)!r}, Snapshot(20, 0, 0, 0, {{"w": np.ones(100_000)}}, {{}}))
except CheckpointError as error:
    print(error.one_line)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "File too large (EFBIG), 80" in done.stdout, done.stderr
    assert "ulimit" in done.stdout
    assert steps(tmp_path) == [10]
    assert verify(latest(tmp_path).path)


def test_a_file_where_the_directory_should_be(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(CheckpointError, match=r"EEXIST|ENOTDIR"):
        write(tmp_path, make())
    with pytest.raises(CheckpointError, match="Not a directory"):
        latest(tmp_path)


class TestSave:
    def test_one_rank(self, tmp_path):
        assert manager.save(LocalCommunicator(), tmp_path, make).name == "step-00000120"

    @pytest.mark.parametrize("full", [False, True])
    def test_rank_0_writes_and_all_know_how_it_went(self, tmp_path, full, monkeypatch):
        def body(comm):
            taken = []
            try:
                path = manager.save(comm, tmp_path, lambda: taken.append(1) or make())
            except CheckpointError as error:
                path = error.one_line
            results[comm.rank] = (path, len(taken))

        if full:
            count_calls(
                monkeypatch, lambda call: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
            )
        results = [None] * 3
        assert run_ranks("threads:3", body) == 0
        assert [taken for _, taken in results] == [1, 0, 0]
        assert len({path for path, _ in results}) == 1
        assert ("ENOSPC" in str(results[2][0])) == full
        assert (results[0][0] == Path(tmp_path / "checkpoints" / "step-00000120")) != full
