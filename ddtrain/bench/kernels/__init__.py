"""``bench kernels``: each kernel beside what the machine can do.

Read ``command``, ``case``, then the kernels: ``products`` and ``sequences``, which arithmetic bounds, and ``passes``,
which memory bounds. ``pytorch`` has their twins, ``report`` the table.
"""
