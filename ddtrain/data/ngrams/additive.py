"""Additive smoothing: every token counts a little after every context, whether it was seen there or not."""

from __future__ import annotations

from collections.abc import Sequence

from ddtrain.data.ngrams.counts import Ids, at_places
from ddtrain.data.ngrams.model import Floats, NgramModel
from ddtrain.errors import UsageError


class Additive(NgramModel):
    """``p(w | c) = (count(c w) + alpha) / (count(c) + alpha · V)``, after a context never seen 1 / V.

    Parameters
    ----------
    texts, vocabulary, order : as in :class:`NgramModel`
    alpha : what is added to every count, above 0; 1 is Laplace's rule

    Raises
    ------
    UsageError : an alpha that is not above 0

    References
    ----------
    S. Chen, J. Goodman, An empirical study of smoothing techniques for language modeling, 1999, section 2.1.

    >>> import numpy as np
    >>> model = Additive([np.array([1, 2, 1, 2, 1])], vocabulary=4, order=2, alpha=0.5)
    >>> model.probability(np.array([[1], [1]]), np.array([2, 3]))  # of two tokens after 1, both are 2
    array([0.625, 0.125])
    """

    def __init__(self, texts: Sequence[Ids], vocabulary: int, order: int, alpha: float = 1.0) -> None:
        if not alpha > 0:
            raise UsageError(f"Additive: alpha {alpha} is not above 0", remedy="Give 1 for Laplace's rule.")
        super().__init__(texts, vocabulary, order)
        self.alpha = alpha
        totals = [self.counts.followed(n, self.counts.orders[n].counts) for n in range(1, order + 1)]
        self._totals = totals  # by order: how often each context was followed by something

    def _probability(self, contexts_NT: Ids, tokens_N: Ids) -> Floats:
        n = contexts_NT.shape[1] + 1
        contexts = self.counts.find(contexts_NT)
        seen = at_places(self.counts.orders[n].counts, self.counts.extend(n, contexts, tokens_N))
        estimates: Floats = (seen + self.alpha) / (
            at_places(self._totals[n - 1], contexts) + self.alpha * self.vocabulary
        )
        return estimates
