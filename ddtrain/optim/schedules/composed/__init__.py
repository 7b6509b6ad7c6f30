"""Schedules made of others, in reading order.

``spelling`` (the others as text), ``composition`` (what both share), ``chained`` (their product), ``sequential`` (one
after another).
"""
