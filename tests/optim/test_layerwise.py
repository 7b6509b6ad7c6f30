"""LARS and LAMB: by their formulas, layer by layer, however the vector is divided; ranks and nodes change no bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.optim import Lamb, Lars
from ddtrain.optim.groups import Group, segments
from ddtrain.parallel import make_buckets, make_shard_layout
from ddtrain.parallel.bucket_shares import make_shares
from ddtrain.parallel.layer_norms import LayerNorms
from worlds import World

SPANS = [slice(40, 70), slice(30, 40), slice(0, 30)]  # three parameters, last first
LR, SCALE, STEPS = 0.05, 0.7, 5
METHODS = [
    Lars(trust=0.1, weight_decay=0.01),
    Lars(trust=0.1, momentum=0.0),
    Lars(trust=0.0),
    Lamb(),
    Lamb(trust=0.5, weight_decay=0.0, beta1=0.5),
    Lamb(trust=0.0),
]


def spelled_out(method: Any, x: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The definitions of the docstrings, on one parameter in float64."""
    x = x.astype(float)
    v = m = np.zeros_like(x)
    for t, g in enumerate(SCALE * gradients.astype(float), start=1):
        if isinstance(method, Lars):
            norms = np.linalg.norm(x), np.linalg.norm(g)
            ratio = method.trust * norms[0] / (norms[1] + method.weight_decay * norms[0]) if method.trust else 1.0
            v = method.momentum * v + LR * ratio * (g + method.weight_decay * x)
            x = x - v
        else:
            m = method.beta1 * m + (1 - method.beta1) * g
            v = method.beta2 * v + (1 - method.beta2) * g * g
            u = m / (1 - method.beta1**t) / (np.sqrt(v / (1 - method.beta2**t)) + method.eps) + method.weight_decay * x
            x = x - LR * (method.trust * np.linalg.norm(x) / np.linalg.norm(u) if method.trust else 1.0) * u
    return x


def drawn(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.standard_normal(70).astype(dtype), rng.standard_normal((STEPS, 70)).astype(dtype)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 2e-5)])  # five steps of a few roundings
def test_every_layer_moves_by_the_formula(world: World, method: Any, dtype: type, rtol: float) -> None:
    """On one rank and on several, each of which has a share of the vector; and all of them leave the same bits."""
    values, gradients = drawn(dtype)

    def body(comm: Any) -> Any:
        node = comm.split_nodes()
        layout = make_shard_layout(comm, node)
        buckets = make_buckets(SPANS, itemsize=8, bucket_bytes=100)
        shares = make_shares(buckets, node, layout.columns, scatter=False)
        norms = LayerNorms(buckets, shares, SPANS, node, counter=0)
        optimizer, x = optim.make(method, 70, dtype, norms=norms), values.copy()
        for k, gradient in enumerate(gradients):
            optimizer.apply(x, gradient, lr=LR, scale=SCALE, spans=shares.spans)
            parts = comm.exchange_objects([x[span].astype(float).tolist() for span in shares.spans])
            spans = comm.exchange_objects([[span.start, span.stop] for span in shares.spans])
            for of_rank, found in zip(spans, parts, strict=True):
                for span, part in zip(of_rank, found, strict=True):
                    x[slice(*span)] = part
            assert optimizer.count == k + 1
        return x

    found = world.run(body)
    assert all(x.tobytes() == found[0].tobytes() for x in found)
    for span in SPANS:
        np.testing.assert_allclose(found[0][span], spelled_out(method, values[span], gradients[:, span]), rtol, rtol)
    alone = optim.make(method, 70, dtype)
    x = values.copy()
    alone.apply(x, gradients[0], lr=LR, scale=SCALE)
    np.testing.assert_allclose(x, spelled_out(method, values, gradients[:1]), rtol, rtol)  # as one parameter


@pytest.mark.parametrize("method", [Lars(trust=0.1), Lamb()], ids=repr)
def test_a_layer_of_zeros_and_a_gradient_of_zeros_move_as_without_a_ratio(method: Any) -> None:
    x, optimizer = np.zeros(3), optim.make(method, 3, np.float64)
    optimizer.apply(x, np.ones(3), lr=LR)
    assert np.isfinite(x).all()
    assert (x < 0).all()
    still, optimizer = np.ones(3), optim.make(type(method)(weight_decay=0.0), 3, np.float64)
    optimizer.apply(still, np.zeros(3), lr=LR)
    np.testing.assert_array_equal(still, np.ones(3))


def test_a_group_without_trust_moves_at_the_rate_itself() -> None:
    method = Lars(trust=0.001, momentum=0.0)
    groups = [Group(method), Group(Lars(trust=0.0, momentum=0.0), lr_factor=0.5)]
    pieces = segments(groups, [slice(0, 2), slice(2, 4)])

    class Layers:
        pieces, layers = (slice(0, 2), slice(2, 4)), (0, 1)

        def sums(self, mine: Any) -> Any:
            return np.asarray(mine)

        def moved(self, pieces: Any) -> Any:
            return self

    x = np.array([3.0, 4.0, 3.0, 4.0])
    optimizer = optim.make(method, 4, np.float64, pieces=pieces, norms=Layers())
    optimizer.apply(x, np.array([0.0, 1.0, 0.0, 1.0]), lr=1.0)
    np.testing.assert_allclose(x, [3.0, 4.0 - 0.005, 3.0, 3.5], rtol=1e-15)


def test_a_norm_that_float32_cannot_hold_is_held() -> None:
    x = np.full(2, 1e25, np.float32)
    assert Lars().measure_(x, x, {}, scale=1.0, count=1)[0] == pytest.approx(2e50, rel=1e-6)
