"""Gradient descent on quadratics, where everything can be worked out, and what it says about real losses."""
