"""A module that is called twice in a forward pass behaves as two calls, and what runs again as the one that it was.

The reference for batch-norm is PyTorch 2.13, whose running statistics after ``bn(a); bn(b)`` are the formula below.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import grad, nn, rng
from ddtrain.autodiff import checkpoint
from ddtrain.errors import ShapeError, UsageError
from ddtrain.rng import SampleRng

R = np.random.default_rng(0)


class Count(nn.Module):
    """A buffer of a user's own, in an attribute, a list and a dict."""

    def __init__(self) -> None:
        self.calls = nn.buffer((), nn.init.zeros)
        self.more = [nn.buffer((), nn.init.zeros), {"x": nn.buffer((), nn.init.zeros)}]

    def forward(self) -> Any:
        before = self.calls
        self.update(calls=self.calls + 1, **{"more.0": self.more[0] + 2, "more.1.x": self.more[1]["x"] + 3})
        assert self.calls is before, "what a call has read stays as it was"
        return before


def test_buffers_of_ones_own_start_from_what_the_call_before_has_left() -> None:
    model, values = Count(), Count().init(0)
    bound = model.bind(values)
    assert [int(bound()) for _ in range(3)] == [0, 1, 2]
    assert bound.run.updates == {"calls": 3, "more.0": 6, "more.1.x": 9}
    assert [int(x) for x in values.values()] == [0, 0, 0]
    assert int(model.bind(values)()) == 0, "another forward pass starts anew"


def test_what_is_no_buffer_and_other_shapes_are_refused() -> None:
    bound = Count().bind(Count().init(0))
    with pytest.raises(UsageError, match="update: typo is no buffer"):
        bound.update(typo=1.0)
    with pytest.raises(ShapeError, match=r"update: calls has shape \(\), its new value \(2,\)"):
        bound.update(calls=np.ones(2))
    layer = nn.Linear(1, 1)
    with pytest.raises(UsageError, match="update: bias is no buffer"):
        layer.bind(layer.init(0)).update(bias=np.ones(1))
    layer.pair = (nn.buffer((1,), nn.init.zeros), 0)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"update: pair\.0 is no buffer\n.*or a list or dict"):
        layer.bind(layer.init(0)).update(**{"pair.0": np.ones(1)})


def test_dropout_draws_anew_at_each_call_and_as_always_at_the_first() -> None:
    x, layer = np.ones((40, 50)), nn.Dropout(0.5)
    bound = nn.Sequential(layer).bind({}, training=True, rng=SampleRng(3, 4, first=7))
    first, second, third = (bound(x) for _ in range(3))
    np.testing.assert_array_equal(first > 0, rng.sample_uniform(3, "dropout/0", 4, 7, x.shape) >= 0.5)
    for one, other in ((first, second), (second, third), (first, third)):
        # 2,000 units, each treated alike with probability 1/2: a standard deviation of 0.011, and six of them
        assert abs(np.mean((one > 0) == (other > 0)) - 0.5) < 0.07
    again = nn.Sequential(layer).bind({}, training=True, rng=SampleRng(3, 4, first=7))
    np.testing.assert_array_equal([again(x) for _ in range(3)], [first, second, third])


def test_masks_of_later_calls_do_not_depend_on_the_division_either() -> None:
    def masks(first: int, rows: int) -> list[Any]:
        bound = nn.Dropout(0.5).bind({}, training=True, rng=SampleRng(0, 0, first))
        return [bound(np.ones((rows, 5))) for _ in range(2)]

    whole, top, rest = masks(0, 9), masks(0, 4), masks(4, 5)
    for k in range(2):
        np.testing.assert_array_equal(np.concatenate([top[k], rest[k]]), whole[k])


def test_one_dropout_at_two_places_keeps_the_key_of_each() -> None:
    layer, x = nn.Dropout(0.5), np.ones((20, 20))
    bound = nn.Sequential(layer, layer).bind({}, training=True, rng=SampleRng(0, 0))
    parts = [getattr(bound, name)(x) for name in ("0", "1")]
    for name, part in zip("01", parts, strict=True):
        np.testing.assert_array_equal(part > 0, rng.sample_uniform(0, f"dropout/{name}", 0, 0, x.shape) >= 0.5)


class Twice(nn.Module):
    """Dropout and batch-norm, called twice, the second time in a checkpoint where told."""

    def __init__(self, again: bool) -> None:
        self.line, self.drop, self.norm = nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm(3)
        self.again = checkpoint if again else lambda f: f

    def part(self, x: Any) -> Any:
        return dnp.tanh(self.norm(self.drop(self.line(x))))

    def forward(self, x: Any) -> Any:
        inner = self.again(self.part)
        return self.again(lambda x: inner(inner(x)) + self.part(x))(self.part(x))


def test_what_a_checkpoint_runs_again_drops_the_same_units_and_is_counted_once() -> None:
    x = R.standard_normal((8, 3))

    def of(again: bool) -> Any:
        model, runs = Twice(again), []
        values = model.init(0, np.float64)

        def loss(x: Any) -> Any:
            bound = model.bind(values, training=True, rng=SampleRng(0, 0))
            runs.append(bound.run)
            return dnp.sum(bound(x) ** 2)

        return grad(loss)(x), runs[-1].updates

    (expected, once), (found, updates) = of(False), of(True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert once["norm.num_batches_tracked"] == updates["norm.num_batches_tracked"] == 4
    np.testing.assert_allclose(updates["norm.running_mean"], once["norm.running_mean"], rtol=1e-12)


def test_threads_that_bind_one_model_do_not_meet() -> None:
    model, x, found = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm(4)), np.ones((3, 4)) * np.arange(3)[:, None], {}
    values, ready = model.init(0), threading.Barrier(4)

    def body(k: int) -> None:
        bound = model.bind(values, training=True, rng=SampleRng(0, 0))
        ready.wait()
        found[k] = [bound(x).tobytes() for _ in range(20)] + [bound.run.updates["1.num_batches_tracked"].item()]

    threads = [threading.Thread(target=body, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[k] == found[0] for k in range(4))
    assert found[0][-1] == 20


def test_gradients_of_a_layer_that_is_called_twice_add() -> None:
    layer, x = nn.Linear(3, 3), R.standard_normal((4, 3))
    values = layer.init(0, np.float64)
    both = grad(lambda v: dnp.sum((lambda m: m(dnp.tanh(m(x))))(layer.bind(v))))(values)
    one = lambda w: dnp.sum(dnp.tanh(x @ w[0] + w[2]) @ w[1] + w[3])
    w, b = values["weight"], values["bias"]
    each = grad(one)([w, w, b, b])
    np.testing.assert_allclose(both["weight"], each[0] + each[1], rtol=1e-12)
    np.testing.assert_allclose(both["bias"], each[2] + each[3], rtol=1e-12)


class Scale(nn.Module):
    def __init__(self) -> None:
        self.factor = nn.param((2,), nn.init.ones)

    def forward(self, x: Any) -> Any:
        return x * self.factor


def test_a_value_for_what_is_not_there_and_one_of_another_shape_are_named() -> None:
    with pytest.raises(UsageError, match=r"bind: .*typo"):
        Scale().bind({"factor": np.ones(2), "typo": np.ones(2)})
    with pytest.raises((UsageError, ShapeError), match=r"bind: .*factor") as caught:
        Scale().bind({"factor": np.ones(3)})
    assert "(2,)" in str(caught.value)
    assert "(3,)" in str(caught.value)


def test_values_in_pytorchs_layout_say_how_to_convert_them() -> None:
    model = Scale()
    with pytest.raises(UsageError, match="bind: these values are in PyTorch's layout") as caught:
        model.bind(nn.to_torch(model, model.init(0)))
    assert "nn.from_torch(model, tensors)" in caught.value.remedy


def test_two_bindings_of_one_model_have_values_of_their_own() -> None:
    model = Scale()
    one, other = (model.bind({"factor": np.full(2, factor)}) for factor in (2.0, 3.0))
    np.testing.assert_array_equal(one(np.ones(2)), [2, 2])
    np.testing.assert_array_equal(other(np.ones(2)), [3, 3])


def test_values_are_bound_as_they_are_and_not_copied() -> None:
    """The trainer's views of the flat vector stay views."""
    values = np.arange(2.0)
    assert Scale().bind({"factor": values}).factor is values
