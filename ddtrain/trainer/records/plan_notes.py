"""What a run says about its plans: why there is none, and what the one of its steps is."""

from __future__ import annotations

from typing import Protocol


class Records(Protocol):
    """The part of a run's records that is written to."""

    def warn(self, text: str) -> None: ...

    def plan(self, listing: str) -> None: ...


class Passes(Protocol):
    """What is asked of ``trainer/step/passes``."""

    refused: str
    in_python: str
    listing: str


class PlanNotes:
    """Says each thing once.

    >>> class Printed:
    ...     def warn(self, text): print(text)
    >>> class Traced:
    ...     refused, in_python = "mine.py:31 branches on the truth of an array", ""
    >>> notes = PlanNotes()
    >>> for what in ("steps", "steps", "evaluations"):
    ...     notes.say_why_not(Printed(), what, Traced())
    steps run without a plan, because mine.py:31 branches on the truth of an array
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}  # of what is said to run without a plan
        self._listed = ""

    def say_why_not(self, records: Records, what: str, passes: Passes) -> None:
        """Why steps, or evaluations, run without a plan, or without one in C; the same reason is not told of both."""
        why = passes.refused or passes.in_python
        if why and what not in self._reasons and why not in self._reasons.values():
            self._reasons[what] = why
            records.warn(f"{what} run without {'a plan' if passes.refused else 'a plan in C'}, because {why}")

    def list_plan(self, records: Records, passes: Passes) -> None:
        """Write what the plan is, when it is new."""
        if self._listed != passes.listing:
            self._listed = passes.listing
            records.plan(passes.listing)
