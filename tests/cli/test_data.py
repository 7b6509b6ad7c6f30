"""Data files that are missing or malformed: one line that names the file, once, code 74, and nothing is made."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten pictures to train on and ten to test, as Fashion-MNIST comes."""
    folder = tmp_path / "data"
    folder.mkdir()
    for part in ("train", "t10k"):
        images = struct.pack(">4I", 0x803, 10, 28, 28) + bytes(10 * 28 * 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 10) + bytes(range(10)))
    return folder


def change(path: Path, how: str) -> None:
    """Damage an IDX file."""
    good = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        changed = {
            "truncated": good[:-100],
            "magic": b"\x89PNG" + good[4:],
            "label": good[:-1] + b"\x0a",
            "count": struct.pack(">2I", 0x801, 9) + good[8:-1],
            "surplus": good + b"\0",
        }
        path.write_bytes(changed[how])


CASES = [
    (IMAGES, "missing", "expected train-images-idx3-ubyte.gz or train-images-idx3-ubyte there, found neither"),
    (IMAGES, "truncated", "expected 7840 bytes after the header (10, 28, 28), found a file of at most 7756"),
    (IMAGES, "magic", "expected an IDX file (00 00 08 03 ...), found 89 50 4e 47"),
    (IMAGES, "surplus", "found more"),
    (LABELS, "label", "expected labels 0 to 9, found 10 at position 9"),
    (LABELS, "count", "expected a label for each of 10 images, found 9"),
]
ARGS = (
    "fashion_cnn",
    "--data.root",
    "data",
    "--data.batch-size",
    "5",
    "--run.epochs",
    "1",
    "--run.dir",
    "run",
    "--schedule.warmup-steps",
    "0",
)


def test_sound_files_train(root, job):
    assert job(0, *ARGS).returncode == 0


@pytest.mark.parametrize(("name", "how", "said"), CASES, ids=[how for _, how, _ in CASES])
def test_a_malformed_file(root, job, complaint, name, how, said):
    change(root / name, how)
    done = job(0, *ARGS, "--comm.backend", "threads:3")
    line = complaint(done, 74)
    assert said in line
    assert line.startswith("data: " if how == "missing" else f"data/{name}: ")
    assert done.stdout == ""
    assert not Path("run").exists()


def test_a_malformed_file_under_mpirun(root, job, complaint):
    change(root / IMAGES, "truncated")
    assert f"data/{IMAGES}: " in complaint(job(3, *ARGS), 74)


def test_a_file_that_one_rank_cannot_read_stops_all(job, complaint):
    line = complaint(job(3, "--fault.kind", "shard", "--run.dir", "run"), 74)
    assert line == "shard-1.bin: cannot be read: No such file or directory (on rank 1 of 3)"


def test_an_archive_that_needs_pickle_is_not_opened(tmp_path, job, complaint):
    np.savez(tmp_path / "objects.npz", x=np.array([{}], object))
    line = complaint(job(0, "--fault.kind", "pickle", "--data.root", "objects.npz", "--run.dir", "run"), 74)
    assert line.startswith("objects.npz: array 'x' holds Python objects, which need pickle")
