"""Benchmarks: ``python -m ddtrain.bench COMMAND``, a room a command; ``__main__`` has the table of them.

In each room, read ``command`` (options, and what is compared), then ``job`` (what each rank measures), then ``report``.
``step`` is the shortest, and ``kernels``, ``ops``, ``shards`` and ``optimizers`` run in one process; ``comm``,
``scaling``, ``overlap`` and ``predict`` start ranks of their own through ``mpirun``, which runs ``rank_main``;
``report`` reads what a run wrote.

What they share: ``timing`` (turns that can be compared), ``workloads`` and ``trainables`` (what is trained),
``choices`` (names out of a table), ``model_collectives`` (what a model sends), ``peers/`` (other trainers),
``machine``, ``text_tables`` and ``plots``.
"""
