"""Steps over a run: clipped at cliffs, scheduled rates, and batches small or full."""
