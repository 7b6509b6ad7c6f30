"""How a report draws: ``markup`` (escaped HTML and SVG), ``limits`` (of axes), ``thinning`` (of curves), ``values``
(curves in words and numbers), ``chart`` (curves as a figure), ``small_curves``, ``bars``, ``tables``,
``confusion``.
"""
