"""What the lectures claim, measured: a file a claim, in rooms by topic.

``python -m examples.lectures`` lists the claims, ``python -m examples.lectures 1 5`` measures two of them, ``--all``
all; each prints its numbers over several seeds, draws a figure, and fails where a measurement contradicts what its file
says. Read ``quadratics/learning_rate.py`` as an example, then ``claims`` (what a claim is), ``training`` and ``tuning``
(loops that studies share), ``figures``, ``page``. Nothing is tuned until it agrees: where two methods are compared,
both have their options chosen by the same search.
"""
