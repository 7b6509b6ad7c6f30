"""What a check has found, in one line: that all is well, or what is not and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.errors import DdtrainError, first_line


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    >>> print(Finding("data", True, "1,437 samples"))
    ok     data         1,437 samples
    >>> print(Finding("data", False, "empty", "Give some."))
    WRONG  data         empty: Give some.
    """

    name: str
    good: bool
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f": {self.remedy}" if self.remedy else ""
        return f"{'ok' if self.good else 'WRONG':5}  {self.name:11}  {self.text}{remedy}"

    @classmethod
    def of_error(cls, name: str, error: Exception) -> Finding:
        """A finding of what a check raised.

        >>> print(Finding.of_error("layers", ValueError("bad shape")))
        WRONG  layers       ValueError: bad shape
        """
        if isinstance(error, DdtrainError):
            return cls(name, False, error.one_line)
        said = first_line(error)
        kind = type(error).__name__
        return cls(name, False, said if said == kind else f"{kind}: {said}")
