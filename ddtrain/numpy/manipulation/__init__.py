"""Functions that move entries, in reading order.

``shapes`` (reshape, transpose, broadcast_to), ``axes`` (exchanged, moved, added, repeated), ``indexing`` (x[i], take,
diagonals), ``joining`` (concatenate, stack, split), ``arrangements`` (meshgrid, rot90), ``selections`` (select, insert,
delete), ``padding``, ``index_tricks`` (r_, c_).
"""
