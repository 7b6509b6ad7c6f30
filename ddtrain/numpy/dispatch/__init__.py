"""How NumPy and our functions meet: a traced array in a call of NumPy's, and NumPy's own ways to call ours.

Reading order: ``array_box`` (the traced array: its operators, its methods, and the two protocols by which NumPy's own
functions reach ours), ``unsupported`` (what it refuses), ``counterparts`` (which function of ours stands for which of
NumPy's), ``numpy_calls`` (a call read by NumPy's signature, with ``signatures`` and ``keywords``), ``ufunc_methods``
(``add.reduce``), ``unchanged_names`` and ``missing_rules`` (the names of NumPy's without a function of ours).
"""
