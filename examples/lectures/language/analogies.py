"""Claim 33. GloVe's vectors answer analogies by arithmetic: king − man + woman is nearest to queen.

Lecture: language models, word vectors.

A made corpus of 64 words, 8 stems with three features of two values each (as king, queen are royal, male or female):
each of a word's 1,000 sentences has two context words of 60 on either side, drawn with log-probabilities that add up
the stem's and the features' effects. The share of a feature's effect that is the same for all stems is what is varied;
the rest is each stem's own, so that the strength stays the same. Then the nine plays, with pairs in four relations. All
vectors are of ``shakespeare_glove``'s width, weights and rate, after 40 epochs, those of the plays after 30; nothing
was searched. The answer is the word with the largest cosine to b − a + c, but for a, b and c (Mikolov, Yih & Zweig,
NAACL 2013). Beside it stands what c's nearest word scores, without arithmetic, and what is left where a, b and c may be
answers (Linzen, arXiv:1606.07736).
"""

# S stems, F features, C context words, V vocabulary, D width, Q questions

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.data.text import Ids
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.language._vectors import answered, glove, offsets, questions

Array = np.ndarray[Any, Any]
CONTEXTS, FEATURES, AROUND = 60, 3, 2
WIDTH = 50
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
WAYS = ("b − a + c", "a, b, c allowed", "nearest to c")
RELATIONS = {
    "male, female": "king queen he she him her man woman men women father mother brother sister son daughter lord lady "
    "sir madam husband wife boy girl gentleman gentlewoman himself herself master mistress",
    "present, past": "is was are were hath had come came speak spoke see saw know knew take took give gave go went "
    "make made do did",
    "thou, you": "thou you thy your thine yours thyself yourself art are hast have dost do wilt will shalt shall "
    "canst can",
    "one, many": "man men woman women eye eyes hand hands friend friends lord lords word words tear tears hour hours "
    "ear ears year years day days",
}


def scores(unit_VD: Array, asked_Q4: Ids) -> list[float]:
    """The share of right answers, by :data:`WAYS`."""
    places = offsets(unit_VD, asked_Q4)
    return [
        answered(unit_VD, places, asked_Q4),
        answered(unit_VD, places, asked_Q4, leave_out=False),
        answered(unit_VD, unit_VD[asked_Q4[:, 2]], asked_Q4),
    ]


def made(share: float, stems: int, sentences: int, epochs: int, seed: int) -> list[float]:
    """The scores on a corpus in which this share of the features' variance is the same for all stems."""
    random = np.random.default_rng(seed)
    signs_WF = 2.0 * np.array(list(np.ndindex(*(2,) * FEATURES))) - 1
    own_SFC = random.standard_normal((stems, FEATURES, CONTEXTS))
    effects_SFC = np.sqrt(share) * random.standard_normal((FEATURES, CONTEXTS)) + np.sqrt(1 - share) * own_SFC
    logits = random.standard_normal((stems, 1, CONTEXTS)) + 0.7 * np.einsum("wf,sfc->swc", signs_WF, effects_SFC)
    p = np.exp(logits).reshape(-1, CONTEXTS)
    p /= p.sum(axis=1, keepdims=True)
    texts: list[Ids] = []
    for word in range(len(p)):
        around = len(p) + random.choice(CONTEXTS, size=(sentences, 2 * AROUND), p=p[word])
        texts.extend(np.insert(around, AROUND, word, axis=1))
    unit = glove(texts, len(p) + CONTEXTS, seed, width=WIDTH, window=AROUND, epochs=epochs, batch_size=512)
    words = np.arange(len(p)).reshape(stems, *(2,) * FEATURES)
    by_feature = [np.moveaxis(words, 1 + k, -1).reshape(stems, -1, 2) for k in range(FEATURES)]
    return scores(unit, np.concatenate([questions(pairs) for each in by_feature for pairs in each.swapaxes(0, 1)]))


def plays(size: Size) -> tuple[dict[str, Ids], list[Ids], int]:
    """The questions of each relation whose words there are, the texts, and the number of words."""
    chosen = dict(list(data.plays().items())[: size(9, small=1)])
    texts, _, vocabulary = data.corpus(chosen, min_count=10, held_out=0.0)
    pairs = {name: vocabulary.encode(words.split()).reshape(-1, 2) for name, words in RELATIONS.items()}
    return {name: questions(each[each.min(axis=1) > 0]) for name, each in pairs.items()}, texts, len(vocabulary)


def study(size: Size) -> Finding:
    shares = SHARES[:: size(1, small=4)]
    stems, sentences, epochs = size(8, small=4), size(1000, small=200), size(40, small=30)
    by_share = np.array([[made(share, stems, sentences, epochs, seed) for seed in size.seeds] for share in shares])
    right = np.median(by_share[:, :, 0], axis=1)
    expect(by_share[0, :, 0].min() > size(90, small=50) / 100, f"features act alike, but right are {by_share[0, :, 0]}")
    expect(by_share[-1, :, 0].max() < 0.2, f"features act otherwise on each stem, but right are {by_share[-1, :, 0]}")
    expect((np.diff(right) < 0).all(), f"not fewer answers right where features act less alike: {right}")

    asked, texts, count = plays(size)
    settings = {"width": WIDTH, "window": 10, "epochs": size(30, small=1), "batch_size": 4096}
    units = [glove(texts, count, seed, **settings) for seed in size.seeds]
    by_relation = {name: np.array([scores(unit, each) for unit in units]) for name, each in asked.items()}
    whole = np.array([scores(unit, np.concatenate(list(asked.values()))) for unit in units])
    expect(whole[:, 0].max() < 0.3, f"analogies hold on the plays: {whole[:, 0]}")
    if not size.small:  # one play is too little for any
        expect(whole[:, 0].min() > 20 / count, f"by arithmetic no more are right than by chance: {whole[:, 0]}")
        expect((whole[:, 1] < whole[:, 0]).all(), f"a, b, c are no answers even where they may be: {whole}")
        for name in ("present, past", "thou, you"):
            expect((by_relation[name][:, 0] > by_relation[name][:, 2]).all(), f"{name}: arithmetic does not help")
        found = by_relation["male, female"]
        expect((found[:, 0] < found[:, 2]).all(), f"male, female: arithmetic is no worse than c's nearest: {found}")

    def draw(figure: Any) -> None:
        left, right_side = figure.subplots(1, 2, width_ratios=(2, 3))
        curves(left, [(way, by_share[:, :, k].T) for k, way in enumerate(WAYS)], shares)
        left.set(xlabel="share of features' effects common to all stems", ylabel="right answers", ylim=(0, 1.02))
        names = [*by_relation, "all"]
        for k, way in enumerate(WAYS):
            heights = [np.median(found[:, k]) for found in (*by_relation.values(), whole)]
            right_side.bar(np.arange(len(names)) + 0.27 * (k - 1), heights, 0.25, color=COLORS[k], label=way)
        right_side.set_xticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
        right_side.set(ylabel="right answers on the plays")
        right_side.legend(fontsize=8)

    total = sum(map(len, asked.values()))
    mean, allowed, near = np.median(whole, axis=0)
    sexes = np.median(by_relation["male, female"], axis=0)
    return Finding(
        Verdict.IN_PART,
        f"Where a feature shifts the contexts' log-probabilities alike for every word, {right[0]:.0%} of the analogies "
        f"come out right; where a half of the shift is common, {np.interp(0.5, shares[::-1], right[::-1]):.0%}, where "
        f"none is, {right[-1]:.0%}. On the plays {mean:.1%} of {total} do (medians of {len(size.seeds)} seeds; chance "
        f"{1 / count:.2%}), {allowed:.1%} if a, b and c may be answers; and of male and female, the word nearest to c, "
        f"without any arithmetic, is right more often, {sexes[2]:.1%} against {sexes[0]:.1%}.",
        Table(
            ("corpus", "questions", *WAYS),
            [
                *(
                    (f"made, {share:.0%} common", "", *np.median(found, axis=0))
                    for share, found in zip(shares, by_share)
                ),
                *((name, str(len(asked[name])), *np.median(found, axis=0)) for name, found in by_relation.items()),
                ("all of the plays", str(total), mean, allowed, near),
            ],
        ),
        draw,
    )
