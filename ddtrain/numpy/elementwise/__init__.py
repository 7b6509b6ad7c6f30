"""Functions of each entry by itself.

``arithmetic transcendental special floats choices comparisons complexes casts``.
"""
