"""Claim 34. Anchovies can be next to fish and next to pizza, though fish and pizza are far apart: in many dimensions
random vectors are nearly orthogonal, and the mean of two is near to both and to nothing else.

Lecture: language models, word vectors.

A vocabulary of 10,000 random words, whose vectors are normal numbers in 2 to 1,024 dimensions. Anchovies are the mean
of two words, 50 times with other words; counted is how often these two are the nearest of all, by cosine. The same is
done for means of 8 and of 32 words. Nothing is fitted: cosines of random vectors have mean 0 and deviation 1/√D, and
the mean of m words has a cosine of 1/√m with each, which stands out while it exceeds √(2 ln V / D), the largest of V
others.

Source: Kanerva (2009), "Hyperdimensional computing", Cognitive Computation 1.
"""

# V words, D dimensions, R mixtures of M words

from __future__ import annotations

from typing import Any

import numpy as np

from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves

Array = np.ndarray[Any, Any]
MIXTURES, PARTS = 50, (2, 8, 32)


def normalized(x: Array) -> Array:
    """Each row with length 1."""
    unit: Array = x / np.linalg.norm(x, axis=-1, keepdims=True)
    return unit


def mixtures(words_VD: Array, parts: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """(R, M) the cosines of means with their words; (R,) whether these are the nearest words."""
    chosen_RM = np.array([rng.choice(len(words_VD), parts, replace=False) for _ in range(MIXTURES)])
    cosines_RV = normalized(words_VD[chosen_RM].mean(axis=1)) @ words_VD.T
    own_RM = np.take_along_axis(cosines_RV, chosen_RM, axis=1)
    np.put_along_axis(cosines_RV, chosen_RM, -1.0, axis=1)
    return own_RM, own_RM.min(axis=1) > cosines_RV.max(axis=1)


def spread(words_VD: Array) -> tuple[float, float]:
    """Mean and standard deviation of the cosines of neighbouring pairs."""
    cosines = (words_VD[::2] * words_VD[1::2]).sum(axis=1)
    return float(cosines.mean()), float(cosines.std())


def study(size: Size) -> Finding:
    words, dimensions = size(10_000, small=1000), [2**k for k in range(1, size(11, small=9))]
    deviations = np.zeros((len(size.seeds), len(dimensions)))
    nearness, found = deviations.copy(), {parts: deviations.copy() for parts in PARTS}
    for i, seed in enumerate(size.seeds):
        rng = np.random.default_rng(seed)
        for j, dimension in enumerate(dimensions):
            words_VD = normalized(rng.standard_normal((words, dimension)))
            deviations[i, j] = spread(words_VD)[1]
            for parts in PARTS:
                own_RM, nearest_R = mixtures(words_VD, parts, rng)
                found[parts][i, j] = nearest_R.mean()
                if parts == 2:
                    nearness[i, j] = own_RM.mean()
    expected = 1 / np.sqrt(dimensions)
    pairs = words // 2
    expect((np.abs(deviations / expected - 1) < 5 / np.sqrt(2 * pairs)).all(), f"deviations {deviations}, not 1/√D")
    expect((np.abs(nearness[:, -1] - 0.5**0.5) < 0.01).all(), f"a mean of two has cosines of {nearness[:, -1]}")
    expect(found[2][:, 0].max() < 0.1, f"in two dimensions something else should be nearer: {found[2][:, 0]}")
    expect(found[2][:, -1].min() == 1, f"in many the two should be the nearest: {found[2][:, -1]}")
    need = {
        parts: next((d for d, share in zip(dimensions, np.median(found[parts], axis=0)) if share >= 0.9), None)
        for parts in PARTS
    }
    limits = {parts: 2 * parts * np.log(words) for parts in PARTS}
    for parts in PARTS:
        needed = need[parts]
        expect(needed is None or limits[parts] / 4 < needed < 4 * limits[parts], f"needed {need}, expected {limits}")
    uncentred = spread(normalized(np.random.default_rng(0).uniform(size=(words, dimensions[-1]))))[0]
    expect(abs(uncentred - 0.75) < 0.01, f"vectors of positive numbers have cosines of {uncentred}")

    def draw(figure: Any) -> None:
        cosines, shares = figure.subplots(1, 2)
        curves(
            cosines,
            [
                ("the mean with its two words", nearness),
                ("two random words: deviation", deviations),
                ("1 / √D", expected),
            ],
            dimensions,
        )
        cosines.set(xscale="log", xlabel="dimensions", ylabel="cosine", ylim=(0, 1.02))
        curves(shares, [(f"{parts} words", 100 * found[parts]) for parts in PARTS], dimensions)
        shares.set(xscale="log", xlabel="dimensions", ylabel="means whose words are the nearest (%)")
        for axis in (cosines, shares):
            axis.set_xticks(dimensions[::3], [str(d) for d in dimensions[::3]], minor=False)

    last = dimensions[-1]
    return Finding(
        Verdict.HOLDS,
        f"In {last:,} dimensions two random words have cosines of 0 ± {np.median(deviations[:, -1]):.3f}, and the "
        f"mean of two has {np.median(nearness[:, -1]):.3f} with both, which are its nearest of {words:,} words every "
        f"time; in 2 dimensions they are in {np.median(found[2][:, 0]):.0%}. It takes some 2 m ln V dimensions for "
        f"the mean of m words: 9 of 10 are found from {need[2]} on for two, from {need[8]} for eight, and "
        f"{f'from {need[32]}' if need[32] else f'not with {last:,}'} for 32. And it takes vectors centred on 0: of "
        f"positive numbers, all have cosines near {uncentred:.2f}.",
        Table(
            (
                "dimensions",
                "deviation of cosines",
                "1/√D",
                "cosine of the mean of 2",
                *(f"found of {parts}" for parts in PARTS),
            ),
            [
                (
                    str(dimension),
                    np.median(deviations[:, j]),
                    expected[j],
                    np.median(nearness[:, j]),
                    *(f"{np.median(found[parts][:, j]):.0%}" for parts in PARTS),
                )
                for j, dimension in enumerate(dimensions)
            ],
        ),
        draw,
    )
