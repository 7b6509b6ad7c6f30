"""Nobody goes on without a rank that is slow: the numbers are those of ranks that are all quick, to the last bit.

A wait that is left out goes unnoticed where the ranks are equally fast, and where a collective of the model, such as
synchronised batch-norm's, makes everybody wait anyway. So one rank pauses at every turn, on one machine and on
two, and the model is tried with batch-norm and without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.trainer.config.config import Clip, Comm, Run
from helpers import Net, Plain, make_task, sgd_config, train
from worlds import World

WAYS: dict[str, Any] = {
    "sync": {},
    "batch-norm": {"model": Net},
    "shards": {"run": Run(dtype="float64", epochs=1000, shards=7)},
    "stale": {"comm": Comm(mode="stale")},
    "small buckets": {"comm": Comm(bucket_bytes=64)},
    "local": {"comm": Comm(mode="local", sync_every=2)},
    "diloco": {"comm": Comm(mode="diloco", sync_every=2)},
    "hook": {"comm": Comm(hook="float16", bucket_bytes=300)},
}
CASES = [("nodes:0011", slow, way) for way in WAYS for slow in (0, 1, 3)]
CASES += [("nodes:000", slow, way) for way in list(WAYS)[:4] for slow in (0, 2)]  # totals and decisions go by memory


def taken(spec: str, model: Any = Plain, **sections: Any) -> list[Any]:
    config = sgd_config(**({"clip": Clip(norm=0.1)} | sections))  # a norm that is wrong on one rank tells at once
    return World(spec).run(lambda comm: train(comm, 4, config, make_task(model())))


@pytest.mark.parametrize(("spec", "slow", "way"), CASES)
def test_nobody_goes_on_without_a_slow_rank(spec: str, slow: int, way: str) -> None:
    quick, waited_for = (taken(which, **WAYS[way]) for which in (spec, f"{spec}-{slow}"))
    for a, b in zip(quick, waited_for, strict=True):
        assert a["means"] == b["means"]
        for name in a["tensors"]:
            np.testing.assert_array_equal(a["tensors"][name], b["tensors"][name])
