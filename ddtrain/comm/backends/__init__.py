"""The backends of ``--comm.backend``, a module each, over ``comm/protocol.py``; the plainest first.

``local`` (one rank), ``threads`` (ranks in one process, which meet at a ``rendezvous``; ``caller_line`` finds the lines
at which they wait), ``mpi/`` (processes; ``polling`` is how they wait), ``null`` (sends nothing). ``wire`` and
``debug`` wrap another: one delays by ``link_model``, as ``wire_options`` say, the other compares ``announcements``.
"""
