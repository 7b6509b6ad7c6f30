"""Before ranks can talk to each other: what a launcher has started, and whether all of it comes.

``environment`` reads what the launcher says, ``startup_watch`` finds ranks that are gone before MPI has started, and
``end_process`` ends this process from any thread.
"""
