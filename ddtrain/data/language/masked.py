"""Texts with gaps: what a model that sees both sides of a word is trained to fill."""

# N samples, T tokens of each, M of them to be predicted
from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import rng
from ddtrain.data.checksum import checksum
from ddtrain.data.text import IGNORED, Ids
from ddtrain.errors import UsageError

_MASKED, _RANDOM = 0.8, 0.9  # up to the first share a token becomes a gap, up to the second another token


class MaskedTokens:
    """Runs of tokens, of each of which the same number is to be predicted, in other places in every epoch.

    Of those, eight in ten become ``mask``, one a random token, and one stays as it is (Devlin et al., arXiv:1810.04805,
    section 3.1). Which and how depends on (seed, epoch, the sample's place) alone, and for evaluations on its place.

    Parameters
    ----------
    tokens : (samples, T)
    vocabulary : V, which random tokens are drawn from
    mask : the token of a gap, which may be V
    rate : of T, rounded, but at least one token

    Raises
    ------
    UsageError : a rate outside of (0, 1]

    >>> data = MaskedTokens(np.arange(12).reshape(2, 6), vocabulary=12, mask=12, rate=0.3)
    >>> inputs, targets = data.batch(np.array([0]))
    >>> inputs, targets
    (array([[ 0,  1,  2, 12,  4,  5]]), array([[-1,  1, -1,  3, -1, -1]]))
    """

    def __init__(self, tokens: Ids, vocabulary: int, mask: int, rate: float = 0.15) -> None:
        if not 0 < rate <= 1:
            raise UsageError(f"MaskedTokens: rate {rate} is not in (0, 1]", remedy="Give 0.15, as in BERT.")
        self.tokens, self.vocabulary, self.mask = tokens, vocabulary, mask
        self.gaps = max(round(rate * tokens.shape[1]), 1)

    def __len__(self) -> int:
        return len(self.tokens)

    def fingerprint(self) -> str:
        """A checksum of all tokens, and of how many are predicted."""
        return checksum([self.tokens, np.array([self.vocabulary, self.mask, self.gaps])])

    def batch(self, indices: Any) -> tuple[Any, ...]:
        """Inputs and targets (N, T), the same each time; a target that is not to be predicted is -1."""
        return self._masked(np.asarray(indices), "masked/evaluation", seed=0, epoch=0)

    def training_batch(self, indices: Any, *, seed: int, epoch: int) -> tuple[Any, ...]:
        """The same with the gaps of an epoch."""
        return self._masked(np.asarray(indices), "masked/training", seed, epoch)

    def _masked(self, indices: Ids, purpose: str, seed: int, epoch: int) -> tuple[Ids, Ids]:
        inputs = self.tokens[indices]
        targets = np.full_like(inputs, IGNORED)
        streams = rng.sample_streams(seed, purpose, epoch, indices.tolist())
        for row, target, generator in zip(inputs, targets, streams, strict=True):
            at = generator.permutation(len(row))[: self.gaps]
            target[at] = row[at]
            fate, others = generator.random(self.gaps), generator.integers(0, self.vocabulary, self.gaps)
            row[at] = np.where(fate < _MASKED, self.mask, np.where(fate < _RANDOM, others, row[at]))
        return inputs, targets
