"""Colours of pictures: seen on both backgrounds, and told apart by readers without red or green cones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ddtrain import colors

ALL = {name: value for name, value in vars(colors).items() if isinstance(value, str) and value.startswith("#")}
MEANINGS = {name: value for name, value in ALL.items() if name not in ("LIGHT", "DARK")}

# Machado, Oliveira and Fernandes (2009), table 1, severity 1: how linear red, green and blue are seen
CONES = {
    "all": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TOGETHER = {  # colours that meet in one picture
    "curves": (colors.TRAINING, colors.VALIDATION, colors.TEST),
    "runs": colors.RUNS,
    "parts of a step": tuple(dict.fromkeys(colors.PARTS.values())),
    "benchmarks": (colors.OURS, colors.PEER, colors.MPI, colors.MESSAGES, colors.CEILING),
}


def lab(color: str, cones: str) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as it is seen."""
    parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(CONES[cones] @ linear, 0, 1)
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    x, y, z = np.cbrt(to_xyz @ seen / [0.9505, 1, 1.0888])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", MEANINGS)
@pytest.mark.parametrize("background", ["LIGHT", "DARK"])
def test_every_colour_stands_out_on_both_backgrounds(name: str, background: str) -> None:
    assert colors.contrast(MEANINGS[name], ALL[background]) >= 3


@pytest.mark.parametrize("cones", CONES)
@pytest.mark.parametrize("picture", TOGETHER)
def test_colours_of_one_picture_are_told_apart(picture: str, cones: str) -> None:
    """20 is some eight times what is just noticed (2.3); red and green of one lightness, as below, come to 8."""
    for one, other in itertools.combinations(TOGETHER[picture], 2):
        assert np.linalg.norm(lab(one, cones) - lab(other, cones)) >= 20, (one, other)


def test_red_and_green_of_one_lightness_would_not_do() -> None:
    assert np.linalg.norm(lab("#c05050", "no green") - lab("#7a7a30", "no green")) < 20


def test_contrast_is_that_of_the_guidelines() -> None:
    assert colors.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's contrast checker


def test_figures_have_the_colour_of_their_data() -> None:
    assert colors.of_figure("accuracy") == colors.TRAINING
    assert colors.of_figure("valid_noisy_loss") == colors.VALIDATION
    assert colors.of_figure("test_loss") == colors.TEST
    assert colors.of_figure("grad_norm") == colors.GRADIENT
