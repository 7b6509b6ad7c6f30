"""The nearest known name to one that is not known: for the remedy in an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_LONGEST = 60  # longest name in characters for which similar names are looked for


def did_you_mean(given: str, known: Iterable[str], former: Mapping[str, str] = MappingProxyType({})) -> str:
    """The question "Did you mean" with the nearest known name, or an empty text if none is near.

    Parameters
    ----------
    former : former names with the present ones, which are then suggested

    >>> did_you_mean("optim.ln", ["optim.lr", "run.dir"])
    'Did you mean optim.lr?'
    >>> did_you_mean("--batch-size", ["--comm.bucket-bytes", "--data.batch-size"])  # the section forgotten
    'Did you mean --data.batch-size?'
    >>> did_you_mean("run.kep", ["checkpoint.keep", "run.dir"], {"run.keep": "checkpoint.keep"})
    'Did you mean checkpoint.keep?'
    """
    names = {name: name for name in known}
    present = names | {old: new for old, new in former.items() if old not in names} if len(given) <= _LONGEST else {}
    same = [name for name in present if _last(name) == _last(given)]
    near = same or difflib.get_close_matches(given, present, n=1, cutoff=0.6)
    return f"Did you mean {present[near[0]]}?" if near else ""


def _last(name: str) -> str:
    return name.lstrip("-").rpartition(".")[2]
