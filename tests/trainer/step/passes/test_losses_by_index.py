"""Losses that pick entries by the batch's own labels are planned, as such labels are traced while a pass is recorded.

What would make these fail: a part of an index that is not seen, so that it is an array of parts, or the recording's
labels for ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as onp
import pytest
from equivalence.test_plans import check

import ddtrain.numpy as np
from helpers import Plain, make_task

LOSSES = {
    "rows and labels": lambda scores, y: -scores[onp.arange(len(y)), y],
    "take_along_axis": lambda scores, y: -np.take_along_axis(scores, y[:, None], 1)[:, 0],
    "take": lambda scores, y: -np.take(scores, y + 4 * onp.arange(len(y))),
    "the runner-up": lambda scores, y: np.sort(scores, 1)[:, -2] - scores[onp.arange(len(y)), y],
    "the surest": lambda scores, y: -scores[onp.arange(len(y)), np.argmax(scores, 1)],
    "logaddexp": lambda scores, y: np.logaddexp(scores[:, 0], scores[:, 1]) - scores[onp.arange(len(y)), y % 2],
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_loss_by_index_is_planned(loss: Any) -> None:
    task = make_task(Plain(), onp.float32)
    for passes in check(replace(task, loss=lambda model, x, y: loss(model(x), y))):
        assert (passes.refused, passes.in_python) == ("", "")
        assert len(passes.programs()) == 2  # batches of 7 and of 2
