"""What a model is worth on data that it was not trained on.

Read ``evaluate`` (means over the validation data, exact over ranks), then ``trial_samples`` (what is tried before the
first step) and ``trained_values`` (the values that a run evaluates at a checkpoint).
"""
