"""What a run says of itself: ``run_records`` is what the loop calls; the others are where it goes.

``console`` and ``progress_bar`` for people, ``metrics`` (metrics.jsonl, summary.json), ``status`` (status.json),
``timeline`` and ``perfetto_trace`` (trace.json); ``run_lock`` chooses and locks the
directory they lie in, ``run_directory`` says what is in there from before.
"""
