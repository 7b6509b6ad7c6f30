"""Text for language models: nine plays, tokens, a vocabulary by frequency, and windows of context.

Every play keeps its last tenth for the held-out set, so that both sets have all plays' words; no window crosses
from one play, or one set, into another.
"""

# N windows, T context tokens
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ddtrain.data.files import read_text
from ddtrain.data.images import EMBEDDED
from ddtrain.errors import DataError, UsageError, quoted

Ids = NDArray[np.int64]
S = TypeVar("S", list[str], Ids)
_MOST = 2**31 - 1  # longest context in tokens
IGNORED = -1  # a target that is not predicted
UNKNOWN = "<unk>"  # stands for every token that the vocabulary lacks; always number 0
_TITLE = re.compile(r"^(\S.*)\n\nby William Shakespeare\n", re.MULTILINE)
_WORD = re.compile(r"'?[a-z]+(?:['-][a-z]+)*|[0-9]+|--|[^\sa-z0-9]")


def plays() -> dict[str, str]:
    """Nine plays of Shakespeare by title, in the edition in the package.

    >>> list(plays())[:2]
    ['AS YOU LIKE IT', 'HAMLET, PRINCE OF DENMARK']
    """
    text = read_text(EMBEDDED / "shakespeare-9plays.txt.gz")
    titles = list(_TITLE.finditer(text))
    ends = [title.start() for title in titles[1:]] + [len(text)]
    return {title[1]: text[title.end() : end].strip() + "\n" for title, end in zip(titles, ends, strict=True)}


def words(text: str) -> list[str]:
    """Words in lower case, numbers and punctuation marks.

    >>> words("'Tis well-known--my liege, that thou say'st so.")
    ["'tis", 'well-known', '--', 'my', 'liege', ',', 'that', 'thou', "say'st", 'so', '.']
    """
    return _WORD.findall(text.lower())


def characters(text: str) -> list[str]:
    """Characters, white space too.

    >>> characters("to be")
    ['t', 'o', ' ', 'b', 'e']
    """
    return list(text)


class Vocabulary:
    """Tokens numbered by falling frequency, ties in alphabetical order; number 0 is ``<unk>``.

    Parameters
    ----------
    tokens : the text to count, the training part alone
    min_count : occurrences that earn a token its own number

    >>> vocabulary = Vocabulary(words("to be or not to be"), min_count=2)
    >>> vocabulary.tokens
    ['<unk>', 'be', 'to']
    >>> vocabulary.encode(["to", "sleep"])
    array([2, 0])
    """

    def __init__(self, tokens: Iterable[str], min_count: int = 1) -> None:
        counts = Counter(tokens)
        frequent = sorted((t for t, count in counts.items() if count >= min_count), key=lambda t: (-counts[t], t))
        self._take([UNKNOWN, *frequent])

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The vocabulary of which :meth:`state_dict` was stored."""
        vocabulary = cls(())
        vocabulary._take(state["tokens"])
        return vocabulary

    def _take(self, tokens: Iterable[str]) -> None:
        self.tokens = list(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    def state_dict(self) -> dict[str, list[str]]:
        """The tokens in the order of their numbers: what a run stores of it, as one of a task's ``fitted``."""
        return {"tokens": list(self.tokens)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with stored tokens.

        Raises
        ------
        UsageError : they are others than here, so that the data's numbers would mean something else
        """
        stored = list(state["tokens"])
        if stored != self.tokens:
            raise UsageError(
                f"the stored vocabulary has {len(stored)} tokens, here are {len(self.tokens)}, and not the same ones",
                remedy="Give the texts of the run, or make the data with Vocabulary.from_state.",
            )

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Sequence[str]) -> Ids:
        """The tokens' numbers.

        >>> Vocabulary(["b", "a", "b"]).encode(["a", "b", "c"])
        array([2, 1, 0])
        """
        return np.fromiter((self._ids.get(token, 0) for token in tokens), np.int64, len(tokens))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens of some numbers.

        >>> Vocabulary(["b", "a", "b"]).decode([2, 1, 0])
        ['a', 'b', '<unk>']
        """
        return [self.tokens[i] for i in ids]


class Corpus(NamedTuple):
    """Token numbers, one array a text, and what the numbers mean.

    >>> corpus({"title": "to be or not to be"}, characters, min_count=1, held_out=0.5).held_out[0].size
    9
    """

    train: list[Ids]
    held_out: list[Ids]
    vocabulary: Vocabulary


def corpus(
    texts: Mapping[str, str],
    tokenize: Callable[[str], list[str]] = words,
    *,
    min_count: int = 3,
    held_out: float = 0.1,
) -> Corpus:
    """Split every text, count the training parts, number all tokens.

    Parameters
    ----------
    texts : by title
    tokenize : :func:`words` or :func:`characters`
    min_count : rarer tokens of the training parts become ``<unk>``
    held_out : share at the end of every text that is held out

    >>> train, valid, vocabulary = corpus(plays())
    >>> sum(map(len, train)), sum(map(len, valid)), len(vocabulary)
    (234683, 26075, 4692)
    """
    if not texts:
        raise DataError("corpus: expected at least one text, found none")
    parts = [split_tail(tokenize(text), held_out) for text in texts.values()]
    vocabulary = Vocabulary((token for train, _ in parts for token in train), min_count)
    train, tail = ([vocabulary.encode(part[i]) for part in parts] for i in range(2))
    return Corpus(train, tail, vocabulary)


def split_tail(sequence: S, share: float) -> tuple[S, S]:
    """All but the last ``share`` of a sequence, and that.

    >>> split_tail(["to", "be", "or", "not"], share=0.25)
    (['to', 'be', 'or'], ['not'])
    """
    cut = len(sequence) - round(len(sequence) * share)
    return sequence[:cut], sequence[cut:]


def windows(texts: Sequence[Ids], context: int) -> tuple[Ids, Ids]:
    """Every run of ``context`` tokens with the token after it.

    Returns
    -------
    contexts (N, T) and targets (N,), where a text of L tokens gives L − T windows; one too short gives none.

    Raises
    ------
    UsageError : a context without tokens

    >>> windows([np.array([1, 2, 3, 4]), np.array([5, 6])], context=2)
    (array([[1, 2],
           [2, 3]]), array([3, 4]))
    """
    _check_context("windows", context)
    runs_NT = _runs(texts, context + 1, 1)
    return np.ascontiguousarray(runs_NT[:, :-1]), runs_NT[:, -1].copy()


def sequences(texts: Sequence[Ids], length: int, stride: int = 0) -> tuple[Ids, Ids]:
    """Runs of tokens, and the same one token later: what a model that predicts at every position is trained on.

    Parameters
    ----------
    texts : token numbers, one array a text
    length : T, tokens of a run
    stride : tokens from one run's beginning to the next's; 0: T, one after another

    Returns
    -------
    inputs and targets, (N, T) each. A target that an earlier run has already, where runs overlap, is -1: what is
    left to predict are tokens with at least T - stride before them, each once. The rest of a text that fills no run is
    left out.

    Raises
    ------
    UsageError : a length below 1, or a stride outside of [0, T]

    >>> sequences([np.array([1, 2, 3, 4, 5, 6, 7])], length=4, stride=2)
    (array([[1, 2, 3, 4],
           [3, 4, 5, 6]]), array([[-1, -1,  4,  5],
           [-1, -1,  6,  7]]))
    """
    _check_context("sequences", length)
    if not 0 <= stride <= length:
        raise UsageError(f"sequences: stride {stride} is not in [0, {length}], the length")
    runs_NT = _runs(texts, length + 1, stride or length)
    inputs_NT, targets_NT = np.ascontiguousarray(runs_NT[:, :-1]), runs_NT[:, 1:].copy()
    targets_NT[:, : length - (stride or length)] = IGNORED
    return inputs_NT, targets_NT


def _check_context(op: str, context: int) -> None:
    if not 1 <= context <= _MOST:
        raise UsageError(f"{op}: a context of {quoted(context)} tokens", remedy=f"Give 1 to {_MOST}.")


def _runs(texts: Sequence[Ids], length: int, stride: int) -> Ids:
    """Runs of ``length`` tokens, one beginning every ``stride`` tokens of a text, (N, length)."""
    runs = [sliding_window_view(text, length)[::stride] for text in texts if len(text) >= length]
    return np.concatenate(runs) if runs else np.empty((0, length), np.int64)
