"""Autograd's ``autograd.scipy``: the parts of ``ddtrain.scipy``."""

from ddtrain.autograd._known_as import known_as
from ddtrain.scipy import integrate, linalg, signal, special, stats

known_as(__name__, integrate=integrate, linalg=linalg, signal=signal, special=special, stats=stats)
known_as(f"{__name__}.stats", **{name: getattr(stats, name) for name in stats.__all__})
