"""What is in a checkpoint comes back as it was, or is refused by name."""

import json
import math
import os
import re
import shutil

import numpy as np
import pytest
from snapshots import assert_same, make

from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint import contents
from ddtrain.trainer.checkpoint.contents import FILES, MODEL, OPTIM, OPTIONAL, STATE
from ddtrain.trainer.checkpoint.finder import load, verify
from ddtrain.trainer.checkpoint.writer import write


class TestRoundTrip:
    def test_everything_comes_back(self, tmp_path):
        path = write(tmp_path, make())
        assert path == tmp_path / "checkpoints" / "step-00000120"
        assert sorted(entry.name for entry in path.iterdir()) == sorted(FILES)
        assert_same(load(path).snapshot, make())

    @pytest.mark.parametrize("name", OPTIONAL)
    def test_what_there_is_nothing_of_leaves_no_file(self, tmp_path, name):
        path = write(tmp_path, make(**{name: {}}))
        assert sorted(entry.name for entry in path.iterdir()) == sorted({*FILES} - {OPTIONAL[name]})
        assert_same(load(path).snapshot, make(**{name: {}}))

    def test_other_readers_of_safetensors_can_read_the_model(self, tmp_path):
        from safetensors.numpy import load_file

        tensors = load_file(write(tmp_path, make()) / MODEL)
        np.testing.assert_array_equal(tensors["transposed"], make().model["transposed"])

    def test_the_state_is_valid_json_even_with_a_nan(self, tmp_path):
        path = write(tmp_path, make(valid_loss=math.nan))
        strict = json.loads((path / STATE).read_text(), parse_constant=pytest.fail)
        assert strict["metrics"] == {"valid_loss": "NaN"}
        assert set(strict["versions"]) == {
            *("ddtrain", "numpy", "blas", "cpu", "kernels", "compiled kernels", "python")
        }
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
            contents.decode(path)
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
        state = contents.read_state(path) | {"format_version": 1}
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
