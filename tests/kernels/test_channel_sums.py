"""Wide rows keep channels apart, and sums over them are the sums over all axes but the last."""

import numpy as np
import pytest

from ddtrain.kernels.channel_sums import channel_sums, wide_rows


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (127, 3), (128, 3), (64, 32, 32, 16), (5, 1), (3, 300)])
def test_wide_rows_keep_channels_apart(shape):
    x = np.broadcast_to(np.arange(float(shape[-1])), shape)
    seen = wide_rows(x)
    assert seen.size == x.size
    np.testing.assert_array_equal(seen, np.broadcast_to(np.arange(seen.shape[1]) % shape[-1], seen.shape))
    np.testing.assert_allclose(channel_sums(x), np.prod(shape[:-1]) * np.arange(float(shape[-1])))
