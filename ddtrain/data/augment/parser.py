"""Augmentations from one line of text, such as ``flip, crop(padding=2)``, and whether their options make sense."""

from __future__ import annotations

from collections.abc import Sequence

from ddtrain import part_calls
from ddtrain.data.augment.protocol import Augment
from ddtrain.errors import UsageError, kind_of

_PLACE = "--data.augment"


def parse(text: str) -> tuple[Augment, ...]:
    """The augmentations that a text names as calls, in its order; none of an empty text.

    Raises
    ------
    UsageError : a name that there is not, with the nearest; an option that is another's; a value of another type or out
        of range; or what cannot be read

    >>> parse("flip, crop(padding=2, fill=0.5)")
    (Flip(name='flip', horizontal=0.5, vertical=0.0), Crop(name='crop', padding=2, fill=0.5))
    >>> parse("flip, crpo(padding=2)")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.augment 'flip, crpo(padding=2)': there is no augment 'crpo'
      Did you mean crop? There is flip, ...
    """
    return tuple(part_calls.parse(Augment, [text], _PLACE, "flip, crop(padding=2), cutout(size=8)"))


def checked(stages: Sequence[Augment]) -> tuple[Augment, ...]:
    """The augmentations, each with its options in their ranges.

    Raises
    ------
    UsageError : one that is none, or an option out of range
    """
    for stage in stages:
        if not isinstance(stage, Augment):
            raise UsageError(
                f"augment: {kind_of(stage)} is no augmentation", remedy=f"There is {', '.join(Augment.parts)}."
            )
        part_calls.check(stage)
    return tuple(stages)
