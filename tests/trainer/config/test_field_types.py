"""Types of options: what they can be, and what no option can have."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import field_types


@pytest.mark.parametrize("kind", [dict[str, int], complex, Any])
def test_a_type_that_no_option_can_have(kind: Any) -> None:
    with pytest.raises(UsageError, match=r"a.b: an option cannot be of type .*"):
        field_types.coerce(1, kind, "a.b")
