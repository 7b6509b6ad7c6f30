"""Functions that move entries: ``shapes arrangements joining indexing index_tricks selections padding``."""
