"""Augmentation of training data: other versions of the same samples, in every epoch, on a whole batch at once.

Read ``protocol`` (what an augmentation is, and Note [Draws of a sample]: ranks, shards and batches change no bit), then
``flip``, the plainest. ``crop cutout color noise`` are others, ``scale translate rotate`` are maps of the plane by
``resample``, and ``mixup`` mixes samples. ``augmented`` puts them in a row over a data set, ``parser`` reads the row
from one line of text, ``flip,crop(padding=2),cutout(size=8)``.

To add one, write ``data/augment/<name>.py`` with a frozen dataclass of its options and ``@register``, and import it
here; a script of your own needs ``ddtrain.parts.register`` alone.
"""

from ddtrain.data.augment.augmented import Augmented, augment
from ddtrain.data.augment.color import Brightness, ColorShift, Contrast
from ddtrain.data.augment.crop import Crop
from ddtrain.data.augment.cutout import Cutout
from ddtrain.data.augment.flip import Flip
from ddtrain.data.augment.mixup import Mixup
from ddtrain.data.augment.noise import Noise
from ddtrain.data.augment.parser import parse
from ddtrain.data.augment.protocol import Augment, Draws
from ddtrain.data.augment.rotate import Rotate
from ddtrain.data.augment.scale import Scale
from ddtrain.data.augment.translate import Translate

AUGMENTATIONS = Augment.parts  # by name; ``register`` enters more

__all__ = [
    "AUGMENTATIONS", "Augment", "Augmented", "Brightness", "ColorShift", "Contrast", "Crop", "Cutout", "Draws", "Flip",
    "Mixup", "Noise", "Rotate", "Scale", "Translate", "augment", "parse",
]  # fmt: skip
