"""The normal distribution in C; see ``kernels/normal_distribution.py`` for what it computes."""

from __future__ import annotations

from ddtrain.kernels import normal_distribution
from ddtrain.kernels.native.elementwise import of_one
from ddtrain.kernels.native.library import Library

library = Library("normal_distribution", {"normal_pdf": "ppn", "normal_cdf": "ppn"})
of_one(normal_distribution.normal_pdf, library, ulps=4)
of_one(normal_distribution.normal_cdf, library, ulps=8)
