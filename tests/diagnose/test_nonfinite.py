"""Values that no run can go on from are counted, and refused on all ranks by the first vector that holds them."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.diagnose import count_nonfinite, require_finite
from ddtrain.errors import NonFiniteError
from worlds import World


def test_vectors_of_every_kind_are_counted() -> None:
    vectors = {
        "good": np.ones(3),
        "bad": np.array([np.nan, 1.0, np.inf]),
        "empty": np.empty(0),
        "scalar": np.array(np.inf),
        "numbers": np.arange(3),
    }
    assert count_nonfinite(vectors) == {"bad": 2, "scalar": 1}


def test_one_ranks_infinity_is_every_ranks_error() -> None:
    def body(comm: Communicator) -> None:
        bad = np.array([1.0, np.inf if comm.rank == 1 else 0.0])
        with pytest.raises(NonFiniteError, match="1 of 2 values of weight are not finite"):
            require_finite(comm, {"bias": np.zeros(2), "weight": bad})

    World("threads:2").run(body)
