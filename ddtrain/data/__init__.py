"""Data sets, the files they come from, and which samples make up a step.

Read ``dataset`` (what a data set is to the trainer), ``arrays`` (one in memory) and ``sampler`` (which samples are in a
step, and which of them are a rank's). ``images`` and ``text`` are the data sets in the package, ``bigram`` what a
language model is compared with; they read through ``files``, ``idx`` and ``npz``. ``casting`` brings a batch to the
run's dtype, ``checksum`` shows that ranks have the same data.
"""

from ddtrain.data.arrays import ArrayData, Normalize
from ddtrain.data.bigram import Bigram
from ddtrain.data.casting import cast
from ddtrain.data.checksum import checksum, fingerprint_of, whole_fingerprint
from ddtrain.data.dataset import Dataset, batch_of, training_batch_of
from ddtrain.data.idx import read_idx
from ddtrain.data.images import EMBEDDED, Images, digits, fashion_mnist
from ddtrain.data.npz import read_npz
from ddtrain.data.sampler import (
    Position,
    batches,
    order,
    position,
    shard,
    shard_bounds,
    split,
    step_at,
    steps_per_epoch,
)
from ddtrain.data.text import Corpus, Vocabulary, characters, corpus, plays, windows, words

__all__ = [
    "EMBEDDED",
    "ArrayData",
    "Bigram",
    "Corpus",
    "Dataset",
    "Images",
    "Normalize",
    "Position",
    "Vocabulary",
    "batch_of",
    "batches",
    "cast",
    "characters",
    "checksum",
    "corpus",
    "digits",
    "fashion_mnist",
    "fingerprint_of",
    "order",
    "plays",
    "position",
    "read_idx",
    "read_npz",
    "shard",
    "shard_bounds",
    "split",
    "step_at",
    "steps_per_epoch",
    "training_batch_of",
    "whole_fingerprint",
    "windows",
    "words",
]
