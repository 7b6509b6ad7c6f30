"""``bench ops``.

Derivatives of small functions: the ``command``, its ``programs``, ``scaling`` with length, ``report``.
"""
