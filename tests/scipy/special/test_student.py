"""Student's distribution function: the derivative in its degrees of freedom."""

from __future__ import annotations

import numpy as np
import scipy.special as sc

from ddtrain import elementwise_grad
from ddtrain.scipy import special


def test_students_distribution_in_its_degrees_of_freedom():
    df, z = np.array([[0.5], [3.0], [40.0], [1e4]]), np.array([-8.0, -1.0, -1e-9, 0.0, 1e-9, 2.0])
    h = 1e-4 * df
    difference = (sc.stdtr(df + h, z) - sc.stdtr(df - h, z)) / (2 * h)
    grads = elementwise_grad(special.stdtr)(df + 0 * z, z + 0 * df)
    np.testing.assert_allclose(grads, difference, rtol=1e-5, atol=1e-8)
    mixed = elementwise_grad(elementwise_grad(special.stdtr, 0), 1)(3.0, 0.0)  # through the middle, where z^2 is flat
    h = 1e-5
    density = [np.exp(special.student.log_density(3.0 + s * h, 0.0)) for s in (1, -1)]
    np.testing.assert_allclose(mixed, (density[0] - density[1]) / (2 * h), rtol=1e-8)
