"""Tokens cover the text, the vocabulary knows the training part alone, windows cross no boundary."""

import gzip

import numpy as np
import pytest

from ddtrain.data import Vocabulary, characters, corpus, plays, sequences, windows, words
from ddtrain.data.files import read_text
from ddtrain.errors import DataError, UsageError


def test_nine_plays():
    texts = plays()
    assert len(texts) == 9
    assert all(90_000 < len(text) < 180_000 for text in texts.values())
    assert "To be, or not to be,--that is the question:--" in texts["HAMLET, PRINCE OF DENMARK"]
    assert not any("by William Shakespeare" in text for text in texts.values())


def test_words_lose_nothing_but_case_and_space():
    text = plays()["MACBETH"]
    assert "".join(words(text)) == "".join(text.lower().split())
    assert "".join(characters(text)) == text
    assert words("") == []


def test_the_vocabulary_is_ordered_by_frequency_then_alphabet():
    vocabulary = Vocabulary(["b", "a", "c", "a", "b", "d"], min_count=1)
    assert vocabulary.tokens == ["<unk>", "a", "b", "c", "d"]
    assert vocabulary.decode(vocabulary.encode(["d", "z", "a"])) == ["d", "<unk>", "a"]
    assert vocabulary.encode([]).shape == (0,)
    assert len(Vocabulary([], 1)) == 1


def test_the_held_out_part_is_the_end_and_teaches_no_words():
    texts = {"one": "a b " * 45 + "new a b new a b new a b new", "two": "b a " * 50}
    train, held_out, vocabulary = corpus(texts, min_count=1, held_out=0.1)
    assert [len(ids) for ids in train] == [90, 90]
    assert [len(ids) for ids in held_out] == [10, 10]
    assert "new" not in vocabulary.tokens
    assert vocabulary.decode(held_out[0])[:3] == ["<unk>", "a", "b"]


def test_rare_words_become_unknown():
    train, _, vocabulary = corpus({"t": "a a a b b c"}, min_count=2, held_out=0)
    assert vocabulary.decode(train[0]) == ["a", "a", "a", "b", "b", "<unk>"]


def test_windows_cross_no_text_and_own_their_memory():
    texts = [np.arange(5), np.arange(10, 13), np.arange(20, 22), np.arange(0)]
    contexts, targets = windows(texts, 2)
    assert contexts.tolist() == [[0, 1], [1, 2], [2, 3], [10, 11]]
    assert targets.tolist() == [2, 3, 4, 12]
    assert contexts.flags.c_contiguous
    assert contexts.flags.writeable
    empty, none = windows([np.arange(2)], 2)
    assert empty.shape == (0, 2)
    assert none.shape == (0,)


@pytest.mark.parametrize("context", [0, -1, 10**30])
def test_a_context_has_tokens(context):
    with pytest.raises(UsageError, match=f"a context of {context} tokens"):
        windows([np.arange(5)], context)


def test_the_mark_before_a_text_is_no_part_of_it(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbfto be")
    assert read_text(path) == "to be"


def test_text_that_is_none(tmp_path):
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress("héllo".encode("latin-1")))
    with pytest.raises(DataError, match="expected UTF-8 text, found byte 0xe9 at 1"):
        read_text(path)
    path.write_bytes(gzip.compress(bytes(10_000)))
    with pytest.raises(DataError, match="at most 100 bytes of text, found more"):
        read_text(path, limit_bytes=100)
    with pytest.raises(DataError, match="at least one text"):
        corpus({})


def test_sequences_predict_every_token_with_enough_before_it_once() -> None:
    texts = [np.arange(1, 14), np.arange(20, 24), np.arange(30, 35)]
    inputs, targets = sequences(texts, length=4)
    assert inputs.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [30, 31, 32, 33]]
    np.testing.assert_array_equal(targets, inputs + 1)
    inputs, targets = sequences(texts, length=4, stride=1)
    assert targets[targets != -1].tolist() == [*range(5, 14), 34]
    assert (targets[:, :-1] == -1).all()


def test_sequences_of_texts_that_are_too_short_are_none() -> None:
    for texts in ([], [np.arange(4)]):
        assert [part.shape for part in sequences(texts, length=4)] == [(0, 4), (0, 4)]


@pytest.mark.parametrize("stride", [-1, 5])
def test_a_stride_that_leaves_tokens_out_is_refused(stride: int) -> None:
    with pytest.raises(UsageError, match=rf"sequences: stride {stride} is not in \[0, 4\]"):
        sequences([np.arange(9)], length=4, stride=stride)


def test_sequences_without_tokens_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        sequences([np.arange(9)], length=0)
    assert caught.value.one_line == "sequences: a context of 0 tokens: Give 1 to 2147483647."
