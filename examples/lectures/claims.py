"""What a claim is: a module with the claim in its docstring, and ``study``, which measures it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import ModuleType
from typing import Any

import examples.lectures


class Verdict(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    IN_PART = "holds in part"  # under conditions that the lecture leaves out, and that the sentence names
    FAILS = "does not hold"


@dataclass(frozen=True)
class Size:
    """How much a study measures: all of it, or so little that a test can wait for it.

    >>> Size()(1000, small=10), Size(small=True)(1000, small=10), len(Size().seeds)
    (1000, 10, 3)
    """

    small: bool = False

    def __call__(self, full: int, small: int) -> int:
        """The one or the other number, of steps or samples."""
        return small if self.small else full

    @property
    def seeds(self) -> range:
        """The seeds of initial values, data and noise."""
        return range(2 if self.small else 3)


@dataclass(frozen=True)
class Table:
    """Numbers under headings, as they are printed and as they stand on the page; the first column has names."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]  # numbers are shown to four digits

    def text(self) -> str:
        """Aligned columns."""
        cells = [list(self.columns), *self._cells()]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.columns))]
        lines = ("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells)
        return "\n".join(lines)

    def markdown(self) -> str:
        """The same for the page."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        return "\n".join("| " + " | ".join(row) + " |" for row in (self.columns, rule, *self._cells()))

    def _cells(self) -> list[list[str]]:
        return [[cell if isinstance(cell, str) else f"{cell:.4g}" for cell in row] for row in self.rows]


@dataclass(frozen=True)
class Finding:
    """What a study found.

    Attributes
    ----------
    verdict : whether the claim is borne out
    sentence : what was found, with the numbers that matter, in a sentence; where the claim holds in part or fails, the
        conditions under which it holds
    table : the numbers, over seeds
    draw : draws them into an empty figure of matplotlib
    height : of the figure in inches; it is 8 wide
    """

    verdict: Verdict
    sentence: str
    table: Table
    draw: Callable[[Any], None]
    height: float = 3.2


class ClaimError(AssertionError):
    """A measurement that contradicts what its file says was found."""


def expect(condition: Any, otherwise: str) -> None:
    """Assert what an honest run bears out; also under ``python -O``.

    Parameters
    ----------
    condition : what must be true
    otherwise : what is wrong where it is not, with the numbers

    Raises
    ------
    ClaimError : it is not true

    >>> expect(1 < 2, "numbers have lost their order")
    """
    if not condition:
        raise ClaimError(otherwise)


@dataclass(frozen=True)
class Claim:
    """One of the lectures' claims: its number, the module's name, and on demand the module."""

    name: str

    @cached_property
    def module(self) -> ModuleType:
        return importlib.import_module(self.name)

    @property
    def _told(self) -> re.Match[str]:
        told = re.match(r"Claim (\d+)\. (.+?)\n\nLecture: (.+?)\.?\n(?:\n|\Z)", self.module.__doc__ or "", re.DOTALL)
        if told is None:
            raise TypeError(f"{self.name}: its docstring begins otherwise than 'Claim N. ...' and 'Lecture: ...'")
        return told

    @property
    def number(self) -> int:
        return int(self._told[1])

    @property
    def title(self) -> str:
        """In a word or two, as the module is named."""
        return self.name.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def statement(self) -> str:
        """What the lecture says, in one line."""
        return " ".join(self._told[2].split())

    @property
    def lecture(self) -> str:
        return " ".join(self._told[3].split())

    @property
    def file(self) -> str:
        """From the root of the repository."""
        return self.name.replace(".", "/") + ".py"

    def study(self, size: Size) -> Finding:
        """Measure it; see :class:`Finding`."""
        found: Finding = self.module.study(size)
        return found


def claims() -> list[Claim]:
    """All claims, by number."""
    return sorted(map(Claim, _modules()), key=lambda claim: claim.number)


def _modules() -> Iterator[str]:
    """Modules of the rooms below this one; what lies beside this file is no claim, and what starts with _ is shared."""
    for room in pkgutil.iter_modules(examples.lectures.__path__, "examples.lectures."):
        if room.ispkg:
            path = importlib.import_module(room.name).__path__
            yield from (
                module.name
                for module in pkgutil.iter_modules(path, room.name + ".")
                if not module.name.rpartition(".")[2].startswith("_")
            )
