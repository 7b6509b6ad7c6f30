"""What ``ddtrain check`` tries before a run: what would go wrong after hours in a queue should go wrong now.

Read ``preflight`` (the checks in order), then ``compare_ranks`` (one rank against several, layer by layer) and
``round_trip`` (a run straight through against one that was stopped and resumed). ``findings`` are their results.
"""
