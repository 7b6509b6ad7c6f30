"""Starting ranks and ending them.

``run_ranks`` calls a program's ``main`` on every rank and ends all of them together; ``failure`` turns an error into
an exit code and words.
"""
