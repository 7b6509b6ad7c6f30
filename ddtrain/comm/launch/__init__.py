"""Starting ranks and ending them.

``run_ranks`` calls a program's ``main`` on every rank and ends all of them together. ``environment`` reads what the
launcher says, ``failure`` turns an error into an exit code and words, and ``liveness`` finds ranks that are gone.
"""
