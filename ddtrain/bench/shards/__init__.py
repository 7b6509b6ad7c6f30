"""``bench shards``: what it costs that results do not depend on the number of ranks."""
