"""Momentum, adaptive rates and Newton's method: what the lectures say of each optimizer, held against it."""
