"""Schedules made of others, in reading order.

``composition`` (what both share), ``chained`` (their product), ``sequential`` (one
after another).
"""
