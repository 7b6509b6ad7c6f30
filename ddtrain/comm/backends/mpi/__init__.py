"""Ranks that are processes, through mpi4py; importing any of these modules starts MPI.

``world`` makes the first communicator, ``communicator`` is what it is, ``tree_sum`` sums in the order of the tree over
``messages`` between ranks, and ``pending_works`` moves along what is on its way. ``windows`` are the memory that ranks
of one machine share. ``library`` finds and starts MPI;
``baseline`` has MPI's own sums, to measure ours beside.
"""
