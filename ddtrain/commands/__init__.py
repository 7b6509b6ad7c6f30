"""The verbs of the command line, ``ddtrain VERB`` and ``python -m ddtrain VERB``: one module each.

Read ``verbs`` (which there are), ``command`` (what their command lines have in common), then any of the others.
``script`` gives a user's own script the same verbs.
"""
