"""``bench scaling``: throughput over ranks. ``command``, ``job`` of a rank, ``report``."""
