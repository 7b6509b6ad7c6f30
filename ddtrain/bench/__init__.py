"""Benchmarks: ``python -m ddtrain.bench step`` and what is added to the table in ``__main__.py``."""
