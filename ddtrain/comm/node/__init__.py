"""Ranks that share memory: what ``Communicator.split_nodes`` returns.

``single_rank`` stands in where nothing is shared; ``futex`` is how a rank sleeps until another has written. The node
whose ranks are processes is ``backends/mpi/windows.py``.
"""
