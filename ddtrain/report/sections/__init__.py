"""The sections of a report: a function each from the runs that it is about to HTML, or None if there is nothing.

Read ``subject`` (a run in a report), ``curves``, then any of ``layers``, ``curvature``, ``all_samples``,
``samples``, ``times``, ``options``, ``facts`` and ``pictures``.
"""
