"""The backends of ``--comm.backend``, a module each, over ``comm/protocol.py``; the plainest first.

``local`` (one rank), ``threads`` (ranks in one process, which meet at a ``rendezvous``; ``wait_graph`` says who waits
for whom), ``mpi`` (processes; ``mpi_library`` finds and starts MPI, ``pending_works`` and ``polling`` move along what
is on its way), ``null`` (sends nothing). ``wire`` and ``debug`` wrap another: one delays by ``link_model``, the other
compares calls. ``mpi_baseline`` is MPI's own sum, to measure ours beside.
"""
