"""Data sets, the files they come from, and which samples make up a step.

Read ``dataset`` (what a data set is to the trainer), ``arrays`` (one in memory) and ``sampler`` (which samples are in a
step, and which of them are a rank's), then ``splits`` (for training, validation and tests) and ``streams`` (samples
that go on where others end). ``augment/`` makes other
versions of training samples, ``inputs/`` brings samples to mean 0 and variance 1, and weighs classes. ``images`` and
``text`` are the data sets in the package; they read through ``files``, ``idx`` and ``npz``. ``sources/`` makes data
sets of files and iterators, and reads batches ahead. ``language/`` makes other samples of texts; ``bigram`` and
``ngrams/`` are what language models are compared with. ``casting`` brings a batch to the run's dtype, ``checksum``
shows that ranks have the same data, ``extremes`` which samples to try before the first step, and ``fitted`` is what
checkpoints store of data.
"""

from ddtrain.data.arrays import ArrayData, Normalize
from ddtrain.data.augment import Augmented
from ddtrain.data.bigram import Bigram
from ddtrain.data.casting import cast
from ddtrain.data.checksum import checksum, fingerprint_of, whole_fingerprint
from ddtrain.data.dataset import Dataset, batch_of, batches_of, order_of, training_batch_of
from ddtrain.data.fitted import Fitted, fit_over_ranks
from ddtrain.data.idx import read_idx
from ddtrain.data.images import EMBEDDED, Images, digits, fashion_mnist
from ddtrain.data.inputs import PreparedInputs, Standardize, Whiten, class_counts, class_weights
from ddtrain.data.language.cooccurrence import cooccurrences, nearest
from ddtrain.data.language.masked import MaskedTokens
from ddtrain.data.language.numerals import Numerals, numerals, spell
from ddtrain.data.ngrams import Additive, Interpolated, KneserNey
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
from ddtrain.data.sources import (
    Concat,
    CsvData,
    ImageFolder,
    IteratorData,
    MemoryMapped,
    Names,
    NpzData,
    Prefetched,
    TextFolder,
    read_csv,
    read_texts,
)
from ddtrain.data.splits import Subset, split_indices
from ddtrain.data.streams import Streams
from ddtrain.data.text import Corpus, Vocabulary, characters, corpus, plays, sequences, windows, words

__all__ = [
    "EMBEDDED",
    "Additive",
    "ArrayData",
    "Augmented",
    "Bigram",
    "Concat",
    "Corpus",
    "CsvData",
    "Dataset",
    "Fitted",
    "ImageFolder",
    "Images",
    "Interpolated",
    "IteratorData",
    "KneserNey",
    "MaskedTokens",
    "MemoryMapped",
    "Names",
    "Normalize",
    "NpzData",
    "Numerals",
    "Position",
    "Prefetched",
    "PreparedInputs",
    "Standardize",
    "Streams",
    "Subset",
    "TextFolder",
    "Vocabulary",
    "Whiten",
    "batch_of",
    "batches",
    "batches_of",
    "cast",
    "characters",
    "checksum",
    "class_counts",
    "class_weights",
    "cooccurrences",
    "corpus",
    "digits",
    "fashion_mnist",
    "fingerprint_of",
    "fit_over_ranks",
    "nearest",
    "numerals",
    "order",
    "order_of",
    "plays",
    "position",
    "read_csv",
    "read_idx",
    "read_npz",
    "read_texts",
    "sequences",
    "shard",
    "shard_bounds",
    "spell",
    "split",
    "split_indices",
    "step_at",
    "steps_per_epoch",
    "training_batch_of",
    "whole_fingerprint",
    "windows",
    "words",
]
