"""Claim 31. A derivative is a sum over paths, of which there are 2^depth, and dynamic programming needs one product an
edge; shared weights get the sum over their copies, losses at hidden nodes add up where they meet, and graphs of pre-
and of post-activations give one gradient.

Lecture: automatic differentiation, computational graphs.

The paths are those of ``examples/path_aggregation.py``: x ← x cos x, 1 to 16 times. The three identities are checked on
networks of random numbers in float64. A recurrent one (8 units, 6 steps) has its weights once, and as 6 copies; a chain
of 4 tanh layers has a squared error at every layer, as one loss, as one after another, and on one walk back that adds
each where it stands; and the recursion of the lectures runs over derivatives by what goes into the activations, then by
what comes out. All are held against the engine's gradient of the whole.

Source: Goodfellow, Bengio, Courville (2016), "Deep learning", section 6.5; Werbos (1990), "Backpropagation through
time".
"""

# T steps, L layers, D = 8 units

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain import grad, make_vjp
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, DASHES
from examples.path_aggregation import DEPTHS, measure

Array = onp.ndarray[Any, Any]
UNITS, STEPS, LAYERS = 8, 6, 4
ROUNDING = 1e-13  # of sums of some hundred products, beside the largest


def apart(one: Any, other: Any) -> float:
    """The largest difference of two lists of arrays, beside the largest entry."""
    pairs = list(zip(one, other, strict=True))
    return float(max(abs(a - b).max() for a, b in pairs) / max(abs(a).max() for a, _ in pairs))


def shared_weights(rng: onp.random.Generator) -> float:
    """A recurrent network's gradient against the sum over the copies of its weights."""
    x_TD, weight = rng.standard_normal((STEPS, UNITS)), rng.standard_normal((UNITS, UNITS)) / UNITS**0.5

    def unrolled(weights: Sequence[Any]) -> Any:
        h_D = onp.zeros(UNITS)
        for x_D, weight in zip(x_TD, weights):
            h_D = np.tanh(h_D @ weight + x_D)
        return np.sum(h_D**2)

    shared = grad(lambda weight: unrolled([weight] * STEPS))(weight)
    copies = grad(unrolled)([weight.copy() for _ in range(STEPS)])
    return apart([sum(copies)], [shared])


class Chain:
    """Layers h ← tanh(h W) with a squared error at each of them."""

    def __init__(self, rng: onp.random.Generator) -> None:
        self.start = rng.standard_normal(UNITS)
        self.weights = [rng.standard_normal((UNITS, UNITS)) / UNITS**0.5 for _ in range(LAYERS)]
        self.targets = rng.standard_normal((LAYERS, UNITS))

    def loss(self, k: int, h: Any) -> Any:
        return 0.5 * np.sum((h - self.targets[k]) ** 2)

    def losses(self, weights: Sequence[Any]) -> list[Any]:
        h, found = self.start, []
        for k, weight in enumerate(weights):
            h = np.tanh(h @ weight)
            found.append(self.loss(k, h))
        return found

    @property
    def gradient(self) -> list[Array]:
        """The engine's, of the sum of all losses."""
        whole: list[Array] = grad(lambda weights: sum(self.losses(weights)))(self.weights)
        return whole

    def one_after_another(self) -> list[Array]:
        """The sum of each loss's own gradient."""
        each = [grad(lambda weights, k=k: self.losses(weights)[k])(self.weights) for k in range(LAYERS)]
        return [sum(parts) for parts in zip(*each)]

    def added_where_they_stand(self) -> list[Array]:
        """One walk back, to which each layer adds its own loss's derivative."""
        h, pulls, own = self.start, [], []
        for k, weight in enumerate(self.weights):
            pull, h = make_vjp(lambda both: np.tanh(both[0] @ both[1]))((h, weight))
            pulls.append(pull)
            own.append(grad(lambda h, k=k: self.loss(k, h))(h))
        arriving, found = onp.zeros(UNITS), []
        for pull, g in zip(reversed(pulls), reversed(own)):
            arriving, of_weight = pull(arriving + g)
            found.append(of_weight)
        return found[::-1]

    def _outputs(self) -> list[Array]:
        outputs = [self.start]
        for weight in self.weights:
            outputs.append(onp.tanh(outputs[-1] @ weight))
        return outputs

    def by_pre_activations(self) -> list[Array]:
        """δ_k, by what goes into layer k's activation: δ_k = (h_k − t_k + W_{k+1} δ_{k+1}) (1 − h_k²)."""
        h, found, back = self._outputs(), [], onp.zeros(UNITS)
        for k in reversed(range(LAYERS)):
            delta = (h[k + 1] - self.targets[k] + back) * (1 - h[k + 1] ** 2)
            found.append(onp.outer(h[k], delta))
            back = self.weights[k] @ delta
        return found[::-1]

    def by_post_activations(self) -> list[Array]:
        """γ_k, by what comes out of layer k: γ_k = h_k − t_k + W_{k+1} ((1 − h_{k+1}²) γ_{k+1})."""
        h = self._outputs()
        gammas = [h[LAYERS] - self.targets[LAYERS - 1]]
        for k in reversed(range(LAYERS - 1)):
            after = (1 - h[k + 2] ** 2) * gammas[-1]
            gammas.append(h[k + 1] - self.targets[k] + self.weights[k + 1] @ after)
        return [onp.outer(h[k], (1 - h[k + 1] ** 2) * gamma) for k, gamma in enumerate(reversed(gammas))]


IDENTITIES: dict[str, Callable[[Chain], list[Array]]] = {
    "losses at hidden layers, one after another": Chain.one_after_another,
    "losses at hidden layers, added on one walk back": Chain.added_where_they_stand,
    "graph of pre-activations": Chain.by_pre_activations,
    "graph of post-activations": Chain.by_post_activations,
}


def study(size: Size) -> Finding:
    rows = [measure(depth) for depth in DEPTHS[: size(len(DEPTHS), small=6)]]
    for row in rows:
        depth, paths, edges = row["depth"], row["paths"], row["edges"]
        expect(paths == 2**depth and edges == 3 * depth, f"{paths} paths and {edges} edges at depth {depth}")
        way_off = max(abs(row[key] - row["grad"]) for key in ("summed", "collected"))
        expect(way_off < 1e-12, f"depth {depth}: the derivative is off by {way_off:.1e}")
    rngs = [onp.random.default_rng(seed) for seed in size.seeds]
    off = {"shared weights, summed over 6 copies": max(map(shared_weights, rngs))}
    chains = [Chain(rng) for rng in rngs]
    off |= {name: max(apart(way(chain), chain.gradient) for chain in chains) for name, way in IDENTITIES.items()}
    for name, found in off.items():
        expect(found < ROUNDING, f"{name}: off by {found:.1e}")

    def draw(figure: Any) -> None:
        counts, times = figure.subplots(1, 2)
        depths = [row["depth"] for row in rows]
        panels = ((counts, ("paths", "edges"), 1.0), (times, ("paths_s", "programming_s"), 1e3))
        for axis, keys, unit in panels:
            for k, (key, label) in enumerate(zip(keys, ("sum over paths", "dynamic programming"))):
                values = [unit * row[key] for row in rows]
                axis.plot(depths, values, color=COLORS[k], ls=DASHES[k], marker=".", label=label)
            axis.set(yscale="log", xlabel="depth")
        counts.set_ylabel("paths; edges")
        times.set_ylabel("time (ms)")
        counts.legend(fontsize=8)

    last = rows[-1]
    return Finding(
        Verdict.HOLDS,
        f"A chain of {last['depth']} layers has {last['paths']:,} paths and {last['edges']} edges, and both ways give "
        f"one derivative; over {len(size.seeds)} random networks, shared weights, losses at hidden layers and the two "
        f"graphs agree with the engine's gradient to {max(off.values()):.0e} of its largest entry, which is rounding.",
        Table(
            (
                "depth, or identity",
                "paths",
                "edges",
                "sum over paths (ms)",
                "dynamic programming (ms)",
                "off the engine's",
            ),
            [
                *(
                    (
                        str(row["depth"]),
                        str(row["paths"]),
                        str(row["edges"]),
                        1e3 * row["paths_s"],
                        1e3 * row["programming_s"],
                        max(abs(row[key] - row["grad"]) for key in ("summed", "collected")),
                    )
                    for row in rows
                ),
                *((name, "", "", "", "", found) for name, found in off.items()),
            ],
        ),
        draw,
    )
