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
        ("color-shift", (Augment(name="color_shift"),)),
    ],
)
def test_stages_in_order(text, stages):
    assert parse(text) == stages
    assert all(type(getattr(stage, "fill", 0.0)) is float for stage in parse(text))


WRONG = {
    "flpi": "augment: 'flpi' is not known: Did you mean flip? There is flip, ",
    "zzz": "augment: 'zzz' is not known: There is flip, ",
    "crop(paddin=2)": "augment: 'paddin' is no option of crop: Did you mean padding? There is padding, fill.",
    "flip(padding=2)": "augment: 'padding' is no option of flip: It belongs to crop.",
    "crop(delta=2)": "augment: 'delta' is no option of crop: It belongs to brightness, color_shift.",
    "crop(name=2)": "augment: 'name' is no option of crop: There is padding, fill.",
    "crop(padding=2.5)": "augment: padding of crop is '2.5', not an integer: Write",
    "crop(padding=)": "augment: padding of crop is '', not an integer",
    "noise(std=high)": "augment: std of noise is 'high', not a number",
    "noise(std=nan)": "augment: std nan of noise is out of range: Give a finite number.",
    "noise(std=inf)": "augment: std inf of noise is out of range: Give a finite number.",
    "flip(horizontal=1.5)": "augment: horizontal 1.5 of flip is out of range: Give a number from 0 to 1.",
    "scale(low=2)": "augment: high 1.2 of scale is out of range: Give at least low.",
    "crop(2)": "augment: '2' of crop is no option=value: Write them as in flip,crop(padding=2),cutout(size=8).",
    "crop(padding=2,)": "augment: '' of crop is no option=value",
    "crop(padding=2,padding=3)": "augment: 'padding' of crop is given twice",
    "flip crop": "augment: cannot read 'flip crop': Write",
    "flip,,crop": "augment: cannot read ',crop'",
    "flip,": "augment: nothing follows the last comma of 'flip,'",
    "crop(padding=2": "augment: cannot read 'crop(padding=2'",
    "crop(padding=(2))": "augment: cannot read",
}


@pytest.mark.parametrize("text", WRONG)
def test_message(text):
    with pytest.raises(UsageError) as error:
        parse(text)
    assert error.value.one_line.startswith(WRONG[text])


def test_what_is_no_augmentation():
    with pytest.raises(UsageError, match=r"augment: a str is no augmentation"):
        Augmented(ArrayData([1.0]), ["flip"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="padding -1 of crop"):
        Augmented(ArrayData([1.0]), [Crop(padding=-1)])
