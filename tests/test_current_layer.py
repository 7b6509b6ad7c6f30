"""Which layer is at work: within a block, within threads and after an error."""

from __future__ import annotations

import threading

import pytest

from ddtrain.current_layer import LAYER, use_layer


def test_blocks_nest_and_end() -> None:
    with use_layer("body"):
        with use_layer("body.0"):
            assert LAYER.get() == "body.0"
        assert LAYER.get() == "body"
    assert LAYER.get() == ""


def test_an_error_ends_the_block() -> None:
    with pytest.raises(ZeroDivisionError), use_layer("head"):
        1 / 0  # noqa: B018
    assert LAYER.get() == ""


def test_other_threads_are_outside() -> None:
    seen: list[str] = []
    with use_layer("head"):
        thread = threading.Thread(target=lambda: seen.append(LAYER.get()))
        thread.start()
        thread.join()
    assert seen == [""]
