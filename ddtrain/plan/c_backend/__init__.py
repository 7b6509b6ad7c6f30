"""A program as C: what lies between two calls of Python runs as one call of a generated function.

Read ``places`` (which memory an array lies in), ``lowering`` (an instruction becomes calls of compiled functions, a
view, or stays Python's), ``elementwise`` (arithmetic becomes loops), ``memory`` (one arena for all intermediate arrays,
reused by lifetime), ``source`` (the generated C), then ``function`` (what runs it).

Note [Lowering by listening]
No table says what an operation is in C. Each instruction is run once, on the values that were recorded, while the calls
of compiled functions are listened to; its results must then lie in what those calls have written, or be views of what
was there before. Whether the calls are *all* that it does is found out by trying: they are made once more on other
values, and must give what the operation gives, to the last bit. An operation that does anything besides, in NumPy or in
Python, fails that, and stays a call of Python between two pieces of C. Kernels take their paths by shape alone
(Note [Twins]), so what was heard once holds for every step.
"""

from ddtrain.plan.c_backend.function import NativeProgram, lower

__all__ = ["NativeProgram", "lower"]
