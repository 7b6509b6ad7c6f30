"""Every error ddtrain raises on purpose, with the exit code its kind ends a job with.

An error is raised where the cause is known and gathers its *place* (layer, step, rank) on the way up, so that
the code that finds a fault need not know who called it.
"""

from __future__ import annotations

import reprlib
from typing import Any, Self

COMPLETED = 0  # exit codes of the command line, see docs/reference/runs.md
EXCEPTION = 70


class DdtrainError(Exception):
    """An error with a message, a remedy and the place where it happened.

    Parameters
    ----------
    message : the operation, both sides of the disagreement, and their values
    remedy : what to do about it
    place : anything among ``rank``, ``step``, ``phase``, ``sample``, ``layer``, ``function``, ``line``

    >>> print(ShapeError("linear: x has 784 columns but weight has 512 rows", remedy="Was it flattened?", rank=2))
    linear: x has 784 columns but weight has 512 rows
      Was it flattened?  rank 2
    """

    exit_code = EXCEPTION

    def __init__(self, message: str, *, remedy: str = "", **place: Any) -> None:
        super().__init__(message)
        self.message, self.remedy, self.place = message, remedy, place

    def at(self, **place: Any) -> Self:
        """Add what is known here about the place, without overruling what is already known."""
        self.place = {**place, **self.place}
        return self

    def __str__(self) -> str:
        known = [_WORDS.get(k, k + " {!r}").format(self.place[k]) for k in _ORDER if self.place.get(k, "") != ""]
        details = "  ".join(part for part in (self.remedy, ", ".join(known)) if part)
        return f"{self.message}\n  {details}" if details else self.message

    @property
    def one_line(self) -> str:
        """The whole error on one line, for a console.

        >>> UsageError("batch size 0", remedy="Give --data.batch-size at least 1.").one_line
        'batch size 0: Give --data.batch-size at least 1.'
        """
        return str(self).replace("\n ", ":", 1).replace(":  ", ": ").replace("\n", " ")


_ORDER = ("rank", "step", "phase", "sample", "layer", "function", "line")
_WORDS = {"phase": "in {}", "function": "in {}", "line": "{}"}  # all other keys show their name and the quoted value

_MOST_BITS = 1 << 13
_QUOTED = 160  # longest piece of the user's input that a message repeats
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = _QUOTED
_REPR.maxlevel, _REPR.maxlist, _REPR.maxtuple, _REPR.maxdict = 4, 12, 12, 12


def quoted(value: Any, *, plain: bool = False) -> str:
    """A value for a message, however long it is and however deep: its middle is left out where it is long.

    Parameters
    ----------
    plain : a text as it is, without quotation marks

    >>> quoted("mlp"), quoted([1.5, "a"]), len(quoted("x" * 15_000))
    ("'mlp'", "[1.5, 'a']", 160)
    >>> deep = []
    >>> for _ in range(100_000):
    ...     deep = [deep]
    >>> quoted(deep)
    '[[[[[...]]]]]'
    """
    # Python refuses to print integers with so many digits
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"an integer of {value.bit_length()} bits"
    text = value if plain and isinstance(value, str) else _REPR.repr(value)
    if len(text) > _QUOTED:
        text = f"{text[: _QUOTED - 43]}...{text[-40:]}"
    return text if text.isprintable() else ascii(text)[1:-1]


class UsageError(DdtrainError):
    """Usage, configuration, or a disagreement found before the first step."""

    exit_code = 2


class StallError(DdtrainError):
    """No rank makes progress: every one waits for another."""

    exit_code = 71


class ReplicaError(DdtrainError):
    """Replicas or collectives disagree."""

    exit_code = 72


class GradientError(DdtrainError):
    """The backward pass and finite differences disagree, wherever the rule may be that is wrong."""


class NonFiniteError(DdtrainError):
    """NaN or infinity where the run cannot go on."""

    exit_code = 73


class DataError(DdtrainError):
    """A data file or checkpoint that cannot be read or written."""

    exit_code = 74


class CheckpointError(DataError):
    """A checkpoint that is damaged, foreign, or cannot be written."""


class StoppedError(DdtrainError):
    """The run stopped because it was asked to, and can be resumed."""

    exit_code = 75


class ShapeError(DdtrainError, ValueError):
    """Shapes, dtypes or values of an operation's arguments do not fit together."""


class DerivativeError(DdtrainError, TypeError):
    """Something that cannot be differentiated was asked for."""


class MissingRuleError(DerivativeError, NotImplementedError):
    """A function has no derivative rule yet. It is a NotImplementedError, too, as in Autograd."""


def first_line(error: BaseException) -> str:
    """What an error of others' making says, on one line of bearable length.

    >>> first_line(ValueError()), first_line(ValueError("no\\nwonder"))
    ('ValueError', 'no')
    """
    return quoted((str(error).splitlines() or [""])[0] or type(error).__name__, plain=True)


def kind_of(x: Any) -> str:
    """What something is, in words.

    >>> kind_of(None), kind_of(3), kind_of(0.5), kind_of(int)
    ('nothing', 'an int', 'a float', 'the class int')
    """
    if x is None or isinstance(x, type):
        return "nothing" if x is None else f"the class {x.__name__}"
    name = type(x).__name__
    return f"{'an' if name[0].lower() in 'aeio' or name == 'ndarray' else 'a'} {name}"
