"""Collectives inside the model and of rank 0's decisions: ``small_collectives`` says what they are and chooses between
``shared_memory`` and ``messages``; ``tags`` is what each call says of itself, so that ranks can compare.
"""
