"""``bench comm``: sums over ranks. ``command`` starts it, ``job`` is what each rank measures, ``report`` shows it."""
