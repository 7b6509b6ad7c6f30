"""What a collective inside the model says of itself: operation, count, type and layer, to be compared between ranks.

Note [Tags]
Collectives match by the order of calls, and by nothing else: two layers of one width, called in another order on one
rank, would silently add up each other's moments. So each rank gives its buffer a tag, and a rank that
reads others' buffers compares their tags first. At the end of a pass through the model, when a rank has made all its
calls, its tag says so: another rank may still be waiting for it, or about to call once more.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from ddtrain.comm.differing_ranks import find_odd_ranks, in_words
from ddtrain.errors import ReplicaError

TAG_BYTES = 192  # eight bytes of code, and then text


class Tag(NamedTuple):
    """What a call says of itself: its text, a code to compare, and both as ``TAG_BYTES`` bytes (long texts are cut)."""

    text: str
    code: int
    raw: bytes


def text_of(raw: bytes) -> str:
    """The text in a tag's bytes."""
    return raw[8:].rstrip(b"\0").decode(errors="replace")


@lru_cache(1 << 12)
def tag_of(operation: str, count: int, dtype: str, layer: str) -> Tag:
    """The tag of a collective.

    >>> tag_of("allreduce", 3, "f", "head").text
    "allreduce of 3 x float32 in layer 'head'"
    """
    where = f"in layer {layer!r}" if layer else "outside of any layer"
    return _tag(f"{operation} of {count} x {np.dtype(dtype)} {where}")


def _tag(text: str) -> Tag:
    code = blake2b(text.encode(), digest_size=8).digest()
    room = TAG_BYTES - len(code)
    return Tag(text, int.from_bytes(code, sys.byteorder, signed=True), code + text.encode()[:room].ljust(room, b"\0"))


END_OF_PASS = _tag("nothing more in this pass through the model")


def collective_mismatch(texts: Sequence[str], who: str = "rank", numbers: Sequence[int] = ()) -> ReplicaError:
    """The error that names the ranks that differ from the majority, and both sides' calls.

    Parameters
    ----------
    texts : what each rank or shard calls
    who, numbers : ``rank`` or ``shard``, and their numbers, by default counted from 0
    """
    found = find_odd_ranks(texts, numbers)
    verb = "exchanges" if len(found.odd) == 1 else "exchange"
    sides = "".join(f"\n    {in_words(group, who)}: {text}" for text, group in found.groups.items())
    return ReplicaError(
        f"{in_words(found.odd, who)} {verb} something else than {in_words(found.alike, who)}{sides}",
        remedy=f"All {who}s must call the same collectives, in the same order, with the same dtype and count.",
    )
