"""N-gram models, what a neural language model is compared with.

Read ``counts`` (how often every n-gram occurs), then the three ways to share probability with what was never seen:
``additive`` (every count grows by the same), ``interpolated`` (a mixture of all orders) and ``kneser_ney`` (a discount
goes to the lower orders). ``bits`` is the figure they are compared by.
"""

from ddtrain.data.ngrams.additive import Additive
from ddtrain.data.ngrams.counts import NgramCounts
from ddtrain.data.ngrams.interpolated import Interpolated
from ddtrain.data.ngrams.kneser_ney import KneserNey
from ddtrain.data.ngrams.model import NgramModel

__all__ = ["Additive", "Interpolated", "KneserNey", "NgramCounts", "NgramModel"]
