"""Numbers in digits and in English words: a translation without exceptions, to try sequence-to-sequence models on."""

# N numbers, S digits, T words
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.text import IGNORED, Ids
from ddtrain.errors import UsageError

MOST = 999_999
PADDING, START, END = "<pad>", "<start>", "<end>"
_SMALL = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = [PADDING, START, END, *_SMALL, *_TENS, "hundred", "thousand", "and"]  # by number


def spell(n: int) -> list[str]:
    """A number from 0 to 999,999 in words, as in Britain.

    Raises
    ------
    UsageError : another number

    >>> " ".join(spell(40_317)), " ".join(spell(1_005))
    ('forty thousand three hundred and seventeen', 'one thousand and five')
    """
    if not 0 <= n <= MOST:
        raise UsageError(f"spell: {n} is not in [0, {MOST}]")
    if n < 20:
        return [_SMALL[n]]
    if n < 100:
        return [_TENS[n // 10 - 2], *(spell(n % 10) if n % 10 else [])]
    size, name = (1000, "thousand") if n >= 1000 else (100, "hundred")
    rest = n % size
    return [*spell(n // size), name, *(["and"] if 0 < rest < 100 else []), *(spell(rest) if rest else [])]


class Numerals(NamedTuple):
    """Numbers as tokens.

    Attributes
    ----------
    digits : (N, S), each digit plus 1, then 0 where a number is shorter
    words : (N, T), ``<start>`` and the words, then padding: what a decoder is given
    targets : (N, T), the words and ``<end>``, then -1: what it is to say
    """

    digits: Ids
    words: Ids
    targets: Ids


def numerals(numbers: NDArray[np.integer]) -> Numerals:
    """Numbers in digits and in words.

    >>> few = numerals(np.array([7, 20]))
    >>> few.digits, [[WORDS[word] for word in row] for row in few.words]
    (array([[8, 0],
           [3, 1]]), [['<start>', 'seven'], ['<start>', 'twenty']])
    """
    number_of = {word: k for k, word in enumerate(WORDS)}
    spelt = [[number_of[word] for word in spell(int(n))] for n in numbers]
    written = [[int(digit) + 1 for digit in str(n)] for n in numbers.tolist()]
    start, end = number_of[START], number_of[END]
    return Numerals(
        _padded(written, 0),
        _padded([[start, *row] for row in spelt], number_of[PADDING]),
        _padded([[*row, end] for row in spelt], IGNORED),
    )


def _padded(rows: list[list[int]], filler: int) -> Ids:
    padded = np.full((len(rows), max(map(len, rows), default=0)), filler, np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded
