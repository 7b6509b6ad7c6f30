"""Updates of the flat vector of parameters, in place, in reading order.

``optimizer_update`` (SGD and Adam, and how all of them work in pieces; norms and clipping), ``adaptive_update``
(AdaGrad and what followed), ``moment_update`` (Adam's kin), ``soft_threshold`` (L1), ``average_update`` (averages of
weights).
"""
