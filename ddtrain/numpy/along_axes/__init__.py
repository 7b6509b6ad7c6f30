"""Functions along axes, in reading order.

``reductions`` (sum, mean, var, max ...), ``scans`` (prod, cumsum, cumprod), ``masked_reductions`` (with ``where=`` and
``initial=``), ``nan_reductions`` (that leave out NaN), ``statistics`` (average, cov), ``differences`` (diff, gradient),
``sorting``, ``quantiles`` (and medians).
"""
