"""The engine: how a function is traced, and how derivatives run along the trace.

Read ``boxes`` (traces and boxes), ``primitives`` (functions that traces see as one step), ``rules`` (their derivatives,
declared as a table), ``reverse`` (the tape and the walk back), ``forward`` (tangents); then ``fused`` (operations with
kernels of their own) and ``outputs`` (steps with several results). ``vector_space`` is where cotangents live,
``array_lists`` lets a list of traced values stand for an array, ``watched_arrays`` and ``mutation_check`` notice arrays
that were written to between forward and backward, ``signatures`` knows what a function may be called with, ``examples``
declares what the conformance suite tries.
"""
