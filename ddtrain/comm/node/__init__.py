"""Ranks that share memory.

``mpi_windows`` where MPI can, ``single_rank`` where nothing is shared, ``futex`` to wait.
"""
