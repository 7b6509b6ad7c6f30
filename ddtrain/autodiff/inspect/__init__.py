"""Looking at what is differentiated.

A function's ``graph``, ``drawing`` it, and the ``capabilities`` of each primitive.
"""
