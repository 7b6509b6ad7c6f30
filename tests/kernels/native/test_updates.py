"""Compiled updates: the same bits wherever the vector is cut, and at any address; what they leave to the reference."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ddtrain.kernels import average_update, native, optimizer_update
from ddtrain.kernels.native.families import updates
from ddtrain.kernels.native.twins import drawing

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
TWINS = {twin.name: twin for twin in updates.library.twins if twin.kernel in updates.IN_PLACE}
every_update = pytest.mark.parametrize("name", TWINS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _long(name, dtype):
    """The arguments of the examples with the longest vectors."""
    found = TWINS[name].examples(drawing(np.dtype(dtype)))
    return [arguments for arguments in found if len(arguments[0]) > 1000] or found[-1:]


@every_update
@every_dtype
def test_cuts_anywhere_change_no_bit(name, dtype):
    call = TWINS[name].call
    for arguments in _long(name, dtype):
        n = len(arguments[0])
        whole, cut = ([a.copy() if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2))
        call(*whole)
        edges = sorted({0, 1, 2, 5, 12, n // 3, n // 3 + 1, n - 1, n})
        for start, stop in pairwise(edges):
            call(*(a[start:stop] if isinstance(a, np.ndarray) else a for a in cut))
        np.testing.assert_equal(cut, whole)


@every_update
@every_dtype
def test_gradients_are_only_read_and_nothing_beside_the_vectors_is_written(name, dtype):
    for arguments in TWINS[name].examples(drawing(np.dtype(dtype))):
        guarded = [np.pad(a, 20, constant_values=7) if isinstance(a, np.ndarray) else a for a in arguments]
        before = [a.copy() if isinstance(a, np.ndarray) else a for a in guarded]
        TWINS[name].call(*(a[20:-20] if isinstance(a, np.ndarray) else a for a in guarded))
        for k, (after, was) in enumerate(zip(guarded, before, strict=True)):
            if isinstance(after, np.ndarray):
                edges = np.r_[:20, len(after) - 20 : len(after)] if k in TWINS[name].written else slice(None)
                np.testing.assert_array_equal(after[edges], was[edges])


@every_update
def test_what_is_not_finite_shows_where_the_reference_shows_it(name):
    twin = TWINS[name]
    for place in range(5):
        for wrong in (np.nan, np.inf, -np.inf):
            for arguments in twin.examples(drawing(np.dtype(np.float64)))[-2:]:
                if place >= len(arguments) or not isinstance(arguments[place], np.ndarray):
                    continue
                mine, theirs = ([a.copy() if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2))
                mine[place][::3] = theirs[place][::3] = wrong
                with np.errstate(all="ignore"):
                    twin.call(*mine)
                    twin.kernel.reference(*theirs)
                for k in twin.written:
                    if isinstance(mine[k], np.ndarray):
                        np.testing.assert_array_equal(np.isnan(mine[k]), np.isnan(theirs[k]))
                        np.testing.assert_allclose(mine[k], theirs[k], rtol=1e-9)


def test_other_layouts_and_unlike_vectors_are_left_to_the_reference():
    x, y = np.ones(8), np.ones(8)
    for pair in [(x[::2], y[::2]), (x, y[:4]), (x, y.astype(np.float32)), (x.reshape(2, 4), y.reshape(2, 4))]:
        assert TWINS["optimizer_update.add_scaled_"].call(*pair, 1.0) is NotImplemented
    fixed = np.ones(8)
    fixed.flags.writeable = False
    assert TWINS["average_update.blend_"].call(fixed, y, 0.5) is NotImplemented
    with pytest.raises(ValueError, match="read-only"):
        average_update.blend_(fixed, y, 0.5)


@every_dtype
def test_a_sum_of_squares_depends_on_the_entries_of_its_cell_alone(dtype):
    r = np.random.default_rng(0)
    for n in (1, 3, 8, 31, 100, 4097):
        cell = r.standard_normal(n).astype(dtype)
        places = [np.concatenate((r.standard_normal(k).astype(dtype), cell, [1])).astype(dtype) for k in (0, 1, 5)]
        found = [
            optimizer_update.square_norms(x, np.array([[k, k + n]]))[0] for k, x in zip((0, 1, 5), places, strict=True)
        ]
        assert found[0] == found[1] == found[2]
        assert found[0] == pytest.approx(np.sum(cell.astype(float) ** 2), rel=1e-14)
