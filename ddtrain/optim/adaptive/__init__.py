"""Optimizers whose rate differs from element to element, by the size of its gradients.

``adagrad rmsprop adadelta`` are one idea after another; ``adam`` and its kin ``amsgrad adamax nadam radam`` share
``moments``.
"""
