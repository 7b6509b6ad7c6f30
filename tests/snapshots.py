"""Snapshots to save and compare in tests of checkpoints."""

import dataclasses

import numpy as np

from ddtrain.trainer.checkpoint.contents import Snapshot


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
        fitted={"inputs/mean": rng.normal(size=3), "inputs/call.json": np.frombuffer(b'"standardize"', np.uint8)},
        population={"norm.running_mean": rng.normal(size=3), "norm.num_batches_tracked": np.array(9)},
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
        if field.name not in ("model", "optim", "memory", "fitted", "population"):
            assert a == b, field.name
            continue
        assert set(a) == set(b)
        for name in a:
            assert (a[name].shape, a[name].dtype) == (b[name].shape, b[name].dtype), name
            np.testing.assert_array_equal(a[name], b[name])


def steps(run_dir):
    return sorted(int(path.name[5:]) for path in (run_dir / "checkpoints").glob("step-*"))
