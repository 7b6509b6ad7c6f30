"""``bench predict``: steps on thousands of ranks. ``command``, ``job`` of a rank, then from measurements to figures:

``networks`` (what joins the ranks), ``model_collectives`` (what a model exchanges), ``simulation`` of a step,
``extrapolation`` to more ranks, ``report``.
"""
