"""Ranks that share memory: what ``Communicator.split_nodes`` returns.

``mpi_windows`` shares memory through MPI, ``single_rank`` stands in where nothing is shared; ``futex`` is how a rank
sleeps until another has written.
"""
