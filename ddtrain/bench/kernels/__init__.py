"""``bench kernels``: each kernel beside what the machine can do. ``command``, ``case``, then the kernels: ``products``
(bound by arithmetic) and ``passes`` (bound by memory); ``pytorch`` has their twins, ``report`` the table.
"""
