"""What a fault is: one text of one file in place of another, and the tests that should notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """One text of one file in place of another.

    Attributes
    ----------
    name : the part, and what is wrong
    file : from the project's root
    old : there once in the file; indentation belongs to it
    new : what a hurried hand might have written instead
    tests : ids for pytest; the first that fails ends the trial
    native : whether compiled kernels do the work, as they must where C is made of them; else they would do that of a
        reference which has the fault
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    native: bool = False

    def applied(self, source: str) -> str:
        """The file with the fault in."""
        return source.replace(self.old, self.new)
