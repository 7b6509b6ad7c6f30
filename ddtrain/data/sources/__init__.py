"""Data sets from files and iterators.

Read ``csv_data`` (columns by name, which ``csv_table`` reads), ``npz_data``, ``memory_mapped`` (``.npy`` files that
may be larger than memory) and ``concat`` (several data sets as one); ``image_folder`` and ``text_folder``, a class a
folder, over ``class_folders``; and ``iterator_data``, an iterator of unknown length. ``names`` are those of classes
and columns, which a run stores. ``prefetch`` reads any data set's batches ahead.
"""

from ddtrain.data.sources.concat import Concat
from ddtrain.data.sources.csv_data import CsvData
from ddtrain.data.sources.csv_table import read_csv
from ddtrain.data.sources.image_folder import ImageFolder
from ddtrain.data.sources.iterator_data import IteratorData
from ddtrain.data.sources.memory_mapped import MemoryMapped
from ddtrain.data.sources.names import Names
from ddtrain.data.sources.npz_data import NpzData
from ddtrain.data.sources.prefetch import Prefetched
from ddtrain.data.sources.text_folder import TextFolder, read_texts

__all__ = [
    "Concat", "CsvData", "ImageFolder", "IteratorData", "MemoryMapped", "Names", "NpzData", "Prefetched", "TextFolder",
    "read_csv", "read_texts",
]  # fmt: skip
