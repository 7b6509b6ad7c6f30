"""The colours of all pictures: each means the same thing in every one, and stands out on white and on black alike.

Every colour has a contrast of 3 to 1 or more with both backgrounds (WCAG 2.2, 1.4.11), and those that meet in one
picture differ for readers without red or green cones, too; ``tests/test_colors.py`` works it out. No picture tells by
colour alone: lines have dashes and marks, bars have an order, and all have a legend.
"""

from __future__ import annotations

LIGHT, DARK = "#ffffff", "#15181c"  # backgrounds

TRAINING = OURS = "#0061f4"  # what is trained on; the forward pass; ddtrain itself beside others
GRADIENT = MESSAGES = "#0077c6"  # the backward pass, what comes of it, and its way between nodes
VALIDATION = PEER = "#f46100"  # what training is held against: validation data, other programs
TEST = DATA = "#2d9cb7"  # data that is kept for the end; reading data
COMMUNICATION = MPI = "#c63131"  # collectives, and waiting for them
UPDATE = "#829972"  # arithmetic on all weights at once: sums of gradients, updates; the learning rate
OTHER = CEILING = "#506b6b"  # the rest; limits that cannot be passed

RUNS = (TRAINING, VALIDATION, DATA, COMMUNICATION, UPDATE, OTHER)  # where runs are compared, a colour is a run
PARTS = {  # of a step, by the names of the timeline
    "data": DATA,
    "forward": TRAINING,
    "backward": GRADIENT,
    "compute": TRAINING,
    "wait": COMMUNICATION,
    "exposed": COMMUNICATION,
    "model": COMMUNICATION,
    "sum": UPDATE,
    "decide": OTHER,
    "update": UPDATE,
    "log": OTHER,
    "other": OTHER,
}


def of_figure(name: str) -> str:
    """The colour of a run's figure, where the run stands alone.

    >>> of_figure("valid_loss") == VALIDATION, of_figure("loss") == TRAINING
    (True, True)
    """
    for start, color in (("valid_", VALIDATION), ("test_", TEST), ("grad", GRADIENT), ("samples_per_s", OTHER)):
        if name.startswith(start):
            return color
    return UPDATE if name == "lr" else TRAINING


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, from 0 (black) to 1 (white).

    References
    ----------
    WCAG 2.2, "relative luminance".

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
