"""Functions of each entry by itself, in reading order.

``arithmetic`` (with powers, roots and log), ``transcendental`` (exp, sin ...), ``special`` (sinc, i0),
``floating_point`` (parts of numbers: modf, ldexp ...), ``choices`` (where, maximum, clip), ``comparisons``
(and whatever else is constant: rounding, logic, argmax), ``complex_numbers`` (real, conj, sign), ``casts`` (astype).
"""
