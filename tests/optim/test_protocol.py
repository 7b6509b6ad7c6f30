"""What runs an optimizer's formula: where its memory comes from, and how updates are counted."""

from dataclasses import dataclass, field

import numpy as np

from ddtrain.optim import FlatOptimizer, Optim, Sgd


@dataclass(frozen=True)
class Listener(Optim):
    """Writes down how it was called."""

    name: str = "listener"
    calls: list = field(default_factory=list)

    def vectors(self):
        return ("a", "b")

    def update_(self, values, grads, state, *, lr, scale, count):
        self.calls.append(
            (values.tolist(), grads.tolist(), {k: v.tolist() for k, v in state.items()}, lr, scale, count)
        )
        state["a"] += 1


def test_memory_comes_from_where_the_caller_says():
    asked = []

    def alloc(n, dtype):
        asked.append((n, np.dtype(dtype)))
        return np.zeros(n, dtype)

    FlatOptimizer(Listener(), 7, np.float32, alloc)
    assert asked == [(7, np.dtype(np.float32))] * 2


def test_a_formula_sees_each_span_in_turn_with_the_same_count():
    formula = Listener()
    optimizer = FlatOptimizer(formula, 5, np.float64)
    values, grads = np.arange(5.0), -np.arange(5.0)
    optimizer.apply(values, grads, lr=0.5, scale=2.0, spans=[slice(0, 2), slice(4, 5)])
    optimizer.apply(values, grads, lr=0.25, spans=[slice(3, 4)])
    assert formula.calls == [
        ([0.0, 1.0], [0.0, -1.0], {"a": [0.0, 0.0], "b": [0.0, 0.0]}, 0.5, 2.0, 1),
        ([4.0], [-4.0], {"a": [0.0], "b": [0.0]}, 0.5, 2.0, 1),
        ([3.0], [-3.0], {"a": [0.0], "b": [0.0]}, 0.25, 1.0, 2),
    ]
    np.testing.assert_array_equal(optimizer.state["a"], [1, 1, 0, 1, 1])


def test_a_rank_without_a_share_counts_the_update_all_the_same():
    """Bias corrections go by the count, and it may have a share after a resume."""
    optimizer = FlatOptimizer(Sgd(), 3, np.float64)
    optimizer.apply(np.zeros(3), np.zeros(3), lr=0.1, spans=[])
    assert optimizer.count == 1
