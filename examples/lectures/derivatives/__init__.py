"""Gradients: by differences, as sums over paths, and on whichever graph they are worked out."""
