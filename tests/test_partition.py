"""Parts cover what is divided, in order, and differ by one at most."""

from __future__ import annotations

import pytest

from ddtrain.partition import part_bounds


@pytest.mark.parametrize("count", [0, 1, 7, 12, 1000])
@pytest.mark.parametrize("parts", [1, 2, 5, 13])
def test_parts_cover_everything_and_are_nearly_equal(count: int, parts: int) -> None:
    found = [part_bounds(count, part, parts) for part in range(parts)]
    assert [k for first, last in found for k in range(first, last)] == list(range(count))
    lengths = {last - first for first, last in found}
    assert max(lengths) - min(lengths) <= 1
