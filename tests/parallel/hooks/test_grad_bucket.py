"""The matrices whose rows lie in a bucket whole."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.parallel.hooks import make_grad_bucket


@pytest.mark.parametrize("span", [slice(0, 20), slice(1, 19), slice(5, 9), slice(6, 7), slice(20, 20)])
def test_a_bucket_knows_the_rows_that_it_has_whole(span: slice) -> None:
    """A (2, 3, 2) kernel, a vector, and a (3, 2) matrix, one after another, cut anywhere."""
    grads, spans = np.arange(22.0), [slice(0, 12), slice(12, 14), slice(14, 20), slice(20, 20)]
    bucket = make_grad_bucket(grads, span, spans, [(2, 3, 2), (2,), (3, 2), (0, 5)])
    found = [row.tolist() for m in bucket.matrices for row in bucket.gradients[m.span].reshape(m.rows, m.columns)]
    rows = [[i, i + 1] for i in [*range(0, 12, 2), *range(14, 20, 2)]]
    assert found == [row for row in rows if span.start <= row[0] and row[1] < span.stop]
