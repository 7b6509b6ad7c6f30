"""Batch-norm and layer-norm: what they speed up, where they fail, and what batch-norm does over several ranks."""
