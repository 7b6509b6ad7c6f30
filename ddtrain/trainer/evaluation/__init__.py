"""What a model is worth on data that it was not trained on.

Read ``evaluate`` (means over the validation data, exact over ranks), then ``trial_samples`` (what is tried before the
first step) and ``trained_values`` (the values that a run evaluates at a checkpoint). ``all_samples`` gathers outputs
and losses in the order of the samples, ``report`` has figures of them that are no means, ``samples`` the worst and the
best.
"""
