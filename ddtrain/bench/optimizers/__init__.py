"""``bench optimizers``: what every optimizer reaches, and what its update costs.

Read ``command``, then ``problems`` (what is trained, with ``quadratic``), ``runs`` (training, tuned over a grid of
learning rates), ``updates`` (an update beside a copy) and ``report``.
"""
