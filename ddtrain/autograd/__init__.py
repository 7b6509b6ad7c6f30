"""HIPS Autograd's names.

A program written for Autograd runs when ``autograd`` in its imports becomes ``ddtrain.autograd``.

Nothing here is new and nothing else in the project imports it: each module stands where Autograd has one, and takes
its names from ``ddtrain.autodiff``, ``ddtrain.numpy`` and ``ddtrain.scipy``. Autograd's calling conventions, where
they differ from ours, are kept here alone.
"""
