"""What a run reports: the loop calls ``run_records``, which writes through the others.

``console``, ``launcher_terminal`` and ``progress_bar`` for people, ``metrics`` (metrics.jsonl, summary.json),
``status`` (status.json), ``timeline`` and ``perfetto_trace`` (trace.json); ``run_lock`` chooses and locks the directory
they lie in, ``run_directory`` says what is in there from before. ``plan_notes`` says why steps have no plan, or what it
is. ``opening`` is for those who look at a run later.
"""
