"""``bench step``: the time of one training step."""
