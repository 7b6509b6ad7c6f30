"""Losses: one value a sample, (N,), never averaged. The trainer weights them by the global count.

Read ``protocol`` (a loss that a recipe picks by name) and ``regression``, the plainest. ``cross_entropy
binary_cross_entropy logistic hinge kl_divergence metric_learning`` are the others, functions and the parts made of
them; ``penalties`` are for hidden nodes, ``combine`` is for several losses in one run, ``classifier`` lets most of them
compare scores with labels, ``correct`` counts right answers, and ``common`` is what all of them check alike.

All of them are stable in float32 at scores of ten thousand either way, keep the dtype of the scores, and give a NaN for
a NaN. Connectionist temporal classification (CTC) is left out: it needs a sum over alignments of its own.

To add one, write ``ops/losses/<name>.py``, with a frozen dataclass of its options and ``@register``, and import it
here; a script of your own needs ``ddtrain.parts.register`` alone.
"""

from ddtrain.ops.losses.binary_cross_entropy import BinaryCrossEntropy, binary_cross_entropy_with_logits
from ddtrain.ops.losses.classifier import check_classifier_loss, classifier_loss, classifier_losses
from ddtrain.ops.losses.combine import combine_losses
from ddtrain.ops.losses.correct import correct
from ddtrain.ops.losses.cross_entropy import CrossEntropy, cross_entropy
from ddtrain.ops.losses.hinge import BinaryHinge, CrammerSinger, Hinge, binary_hinge, crammer_singer, hinge
from ddtrain.ops.losses.kl_divergence import KlDivergence, kl_divergence
from ddtrain.ops.losses.logistic import Logistic, logistic_loss
from ddtrain.ops.losses.metric_learning import Contrastive, Triplet, contrastive_loss, triplet_loss
from ddtrain.ops.losses.penalties import l1_penalty, l2_penalty
from ddtrain.ops.losses.protocol import Loss
from ddtrain.ops.losses.regression import Absolute, Huber, Squared, absolute_error, huber_loss, squared_error

LOSSES = Loss.parts  # by name; ``register`` enters more

__all__ = [
    "LOSSES", "Absolute", "BinaryCrossEntropy", "BinaryHinge", "Contrastive", "CrammerSinger", "CrossEntropy", "Hinge",
    "Huber", "KlDivergence", "Logistic", "Loss", "Squared", "Triplet", "absolute_error",
    "binary_cross_entropy_with_logits", "binary_hinge", "check_classifier_loss", "classifier_loss", "classifier_losses",
    "combine_losses", "contrastive_loss", "correct", "crammer_singer", "cross_entropy", "hinge", "huber_loss",
    "kl_divergence", "l1_penalty", "l2_penalty", "logistic_loss", "squared_error", "triplet_loss",
]  # fmt: skip
