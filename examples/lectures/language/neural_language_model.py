"""Claim 32. A neural language model beats n-grams; and a picture of its words, by PCA or t-SNE, shows which are alike.

Lecture: language models, from n-grams to word vectors.

The next of 447 words (those that occur 50 times) of nine plays by the four before it: Bengio's network (JMLR 3, 2003;
vectors of 32, 64 hidden units) against the n-grams of ``ddtrain.data`` (Jelinek & Mercer 1980, Kneser & Ney 1995), with
the same words, on all of the text, an eighth and a 64th. Both sides have four settings tried on the same held-out text,
a fortieth of each play: the network learning rates, at a seed of its own, the n-grams orders and ways to smooth. What
is shown is of another tenth. The network also keeps its best epoch by the held-out text. A picture is judged by the
correlation of its distances with the true ones, and by how many of a word's ten nearest it keeps (``_maps.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import data
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.language import _maps
from examples.lectures.language._next_word import EPOCHS, compare

NAMED = data.words(
    "king lord lady father son man she her i you thou thy my our is are was hath had shall will would come go speak "
    "see know night day good great . ? ! othello macbeth brutus"
)


def middle(values: list[float]) -> str:
    return f"{np.median(values):.1f}"


def study(size: Size) -> Finding:
    compared = [compare(share, size) for share in ([1 / 8] if size.small else EPOCHS)]
    little, most = compared[0], compared[-1]
    for at in compared:
        alone = min(at.best_ngram, *at.network)
        expect(max(at.mixture) < alone, f"{at.words} words: {alone:.2f} is not above those of mixing, {at.mixture}")
    expect(min(little.network) > little.best_ngram, f"the network wins with {little.words} words")
    for at in compared[1:]:
        expect(max(at.network) < at.best_ngram, f"{at.words} words: {at.network} against {at.best_ngram:.1f}")

    count = size(300, small=60)  # of the most frequent words, whose vectors have been trained most; 0 is <unk>
    vectors = [np.asarray(model.words.weight, np.float64)[1 : count + 1] for model in most.networks]
    by_pca, by_tsne = [_maps.pca(points) for points in vectors], [_maps.tsne(x, size(300, small=60)) for x in vectors]
    kept = {
        (how, kind): [measure(points, places) for points, places in zip(vectors, maps)]
        for how, maps in (("PCA", by_pca), ("t-SNE", by_tsne))
        for kind, measure in (("distances", _maps.distances_kept), ("neighbours", _maps.neighbours_kept))
    }
    expect(min(kept["PCA", "distances"]) > 0.2, f"the plane of PCA keeps no distances: {kept}")
    expect(min(kept["PCA", "neighbours"]) > 2 * 10 / count, f"the plane of PCA keeps no neighbours: {kept}")
    expect(min(kept["t-SNE", "neighbours"]) > max(kept["PCA", "neighbours"]), f"t-SNE keeps fewer of them: {kept}")

    def draw(figure: Any) -> None:
        axes = figure.subplot_mosaic("AA;BC", height_ratios=(2, 3))
        x = [at.words for at in compared]
        sides = (
            ("bigrams", [[at.bigram for at in compared]]),
            ("best n-grams", [[at.best_ngram for at in compared]]),
            ("network", np.transpose([at.network for at in compared])),
            ("mean of both", np.transpose([at.mixture for at in compared])),
        )
        curves(axes["A"], sides, x)
        axes["A"].set(xscale="log", yscale="log", xlabel="words that train", ylabel="perplexity of the test text")
        axes["A"].set_yticks([30, 40, 60, 80], ["30", "40", "60", "80"], minor=False)
        axes["A"].set_yticks([], minor=True)
        names = most.told.vocabulary.decode(range(1, count + 1))
        for axis, how, places in ((axes["B"], "PCA", by_pca[0]), (axes["C"], "t-SNE", by_tsne[0])):
            axis.scatter(*places.T, s=2, color="0.75")
            for word in sorted(set(NAMED) & set(names)):
                axis.annotate(word, places[names.index(word)], fontsize=7, ha="center", va="center")
            shares = kept[how, "distances"][0], kept[how, "neighbours"][0]
            axis.set_title(
                f"{how}: distances correlate to {shares[0]:.2f},\n{shares[1]:.0%} of ten nearest kept", size=9
            )

    wins = " and ".join(f"{middle(at.network)} against {at.best_ngram:.1f} with {at.words:,}" for at in compared[1:])
    pca, tsne = (
        f"{how} keeps distances to a correlation of {np.median(kept[how, 'distances']):.2f} and "
        f"{np.median(kept[how, 'neighbours']):.0%} of a word's ten nearest"
        for how in ("PCA", "t-SNE")
    )
    return Finding(
        Verdict.IN_PART,
        f"Given enough text: with {little.words:,} words the network's perplexity is {middle(little.network)} against "
        f"{little.best_ngram:.1f} of the best n-grams{f', but {wins}' if wins else ''} (medians of {len(size.seeds)} "
        f"seeds); the mean of both sides' probabilities beats both everywhere. A plane shows little of the vectors: "
        f"{pca}, {tsne}; by chance they would be {10 / count:.0%}.",
        Table(
            ("words that train", "best n-grams", "their perplexity", "bigrams'", "network's", "of the mean of both"),
            [
                (f"{at.words:,}", at.ngram, at.best_ngram, at.bigram, np.median(at.network), np.median(at.mixture))
                for at in compared
            ],
        ),
        draw,
        height=6.5,
    )
