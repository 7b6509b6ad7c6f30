"""One line of text, and what may be wrong with it."""

from __future__ import annotations

import pytest

from ddtrain.data import ArrayData
from ddtrain.data.augment import Augment, Augmented, Crop, Cutout, Flip, parse
from ddtrain.errors import UsageError


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("", ()),
        ("  ", ()),
        ("flip", (Flip(),)),
        ("flip,crop(padding=2),cutout(size=8)", (Flip(), Crop(padding=2), Cutout(size=8))),
        (" flip ( ) , crop ( padding = 2 , fill=1e-3 ) ", (Flip(), Crop(padding=2, fill=1e-3))),
        ("flip(horizontal=1),flip(vertical=1)", (Flip(horizontal=1.0), Flip(vertical=1.0))),
        ("color_shift,", (Augment(name="color_shift"),)),
    ],
)
def test_stages_in_order(text, stages):
    assert parse(text) == stages
    assert all(type(getattr(stage, "fill", 0.0)) is float for stage in parse(text))


WRONG = {
    "flpi": "there is no augment 'flpi': Did you mean flip? There is flip, ",
    "zzz": "there is no augment 'zzz': There is flip, ",
    "crop(paddin=2)": "paddin is no option of crop: Did you mean padding?",
    "flip(padding=2)": "padding is no option of flip: It belongs to crop.",
    "crop(delta=2)": "delta is no option of crop: It belongs to brightness, color_shift.",
    "crop(padding=2.5)": "crop(padding=2.5): expected an integer",
    "noise(std='high')": "noise(std='high'): expected a number",
    "noise(std=1e999)": "noise(std=inf) is out of range: Give a finite number.",
    "flip(horizontal=1.5)": "flip(horizontal=1.5) is out of range: Give a number from 0 to 1.",
    "scale(low=2)": "scale(high=1.2) is out of range: Give at least low.",
}


@pytest.mark.parametrize("text", WRONG)
def test_message(text):
    with pytest.raises(UsageError) as error:
        parse(text)
    assert error.value.one_line.startswith("--data.augment ")
    assert WRONG[text] in error.value.one_line


@pytest.mark.parametrize(
    "text", ["crop(2+)", "crop(padding=)", "flip crop", "flip,,crop", "crop(padding=2", "color-shift"]
)
def test_what_cannot_be_read(text):
    with pytest.raises(UsageError, match=r"is no list of the kind augment\n  Write calls with commas .* 'flip, crop"):
        parse(text)


def test_what_is_no_augmentation():
    with pytest.raises(UsageError, match=r"augment: a str is no augmentation"):
        Augmented(ArrayData([1.0]), ["flip"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match=r"crop\(padding=-1\) is out of range"):
        Augmented(ArrayData([1.0]), [Crop(padding=-1)])
