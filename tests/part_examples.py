"""Parts with options that show what they do: what several tests of the same kind try."""

from __future__ import annotations

AUGMENTATIONS = {
    "flip": "flip(horizontal=0.5,vertical=0.5)",
    "crop": "crop(padding=2,fill=-1)",
    "scale": "scale(low=0.5,high=2)",
    "translate": "translate(height=0.3,width=0.4)",
    "rotate": "rotate(degrees=45)",
    "brightness": "brightness",
    "contrast": "contrast(factor=0.5)",
    "color_shift": "color_shift",
    "noise": "noise",
    "cutout": "cutout(size=3)",
    "mixup": "mixup(alpha=1,classes=4)",
}
