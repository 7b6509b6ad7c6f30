"""What callbacks say of layers that are out of the ordinary: once each, so that a run is not drowned in it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ddtrain.diagnose.layers.verdicts import Verdict
from ddtrain.standard_output import say


class Remarks:
    """Says each kind of verdict on a layer the first time that it is found, on standard error.

    >>> Remarks().of(10, [])
    {}
    """

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def of(self, step: int, verdicts: Iterable[Verdict]) -> dict[str, Any]:
        """Say what has not been said, and return what a line of the log has of it."""
        found = list(verdicts)
        for verdict in found:
            if (verdict.kind, verdict.layer) not in self._said:
                self._said.add((verdict.kind, verdict.layer))
                say(f"step {step}: {verdict}\n", sys.stderr)
        return {"verdicts": [f"{each.layer}: {each.text}" for each in found]} if found else {}
