"""What is said of a schedule that is longer or shorter than the run."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain.optim.schedules import Schedule, length_note


@pytest.mark.parametrize(
    ("options", "end", "note"),
    [
        ({"name": "constant"}, 10, ""),
        ({"name": "exponential"}, 10, ""),
        ({"name": "inverse"}, 10, ""),
        ({"name": "plateau"}, 10, ""),
        ({"name": "cosine", "warmup_steps": 5}, 100, ""),
        ({"name": "cosine"}, 60, "the run ends after 60 of the 100 steps that it is laid out over"),
        ({"name": "cosine", "warmup_steps": 70}, 60, "the run ends after 60 of the 70 steps of its warm-up"),
        ({"name": "constant", "warmup_steps": 70}, 60, "the run ends after 60 of the 70 steps of its warm-up"),
        ({"name": "polynomial"}, 60, "the run ends after 60 of the 100 steps that it is laid out over"),
        ({"name": "one_cycle"}, 60, "the run ends after 60 of the 100 steps that it is laid out over"),
        ({"name": "linear"}, 60, "the run ends after 60 of the 100 steps that it is laid out over"),
        ({"name": "linear"}, 100, ""),
        ({"name": "linear", "length": 100}, 100, ""),
        ({"name": "linear", "length": 101}, 100, "the line of 101 steps goes on beyond its 100 steps"),
        ({"name": "linear", "length": 7, "unit": "epoch"}, 100, "the line of 7 epochs ends before its 10 epochs"),
        ({"name": "step", "decay_every": 99}, 100, ""),
        ({"name": "step", "decay_every": 100}, 100, "the rate never falls: it would after 100 steps, and has 100"),
        ({"name": "multi_step", "milestones": (50, 99)}, 100, ""),
        ({"name": "multi_step", "milestones": (50, 100)}, 100, "milestone 100 is beyond its 100 steps"),
        (
            {"name": "multi_step", "milestones": (4, 10, 20), "unit": "epoch"},
            100,
            "milestones 10, 20 are beyond its 10 epochs",
        ),
        ({"name": "multi_step", "milestones": (95,), "warmup_steps": 5}, 100, "milestone 95 is beyond its 95 steps"),
        ({"name": "cosine_restarts", "period": 25}, 100, ""),
        ({"name": "cosine_restarts", "period": 100}, 100, ""),
        ({"name": "cosine_restarts", "period": 30}, 100, "the last cosine ends after 10 of 30 steps"),
        ({"name": "cosine_restarts", "period": 10, "lengthen": 2}, 70, ""),
        (
            {"name": "cosine_restarts", "period": 10, "lengthen": 2},
            100,
            "the last cosine ends after 30 of 80 steps",
        ),
        ({"name": "cyclic", "half_period": 25}, 100, ""),
        ({"name": "cyclic", "half_period": 30}, 100, "the last triangle ends after 40 of 60 steps"),
        ({"name": "sequential", "milestones": (10,)}, 100, ""),
        (
            {"name": "sequential", "milestones": (10,)},
            60,
            "the run ends after 60 of the 100 steps that it is laid out over",
        ),
        (
            {"name": "sequential", "schedules": ("linear", "constant"), "milestones": (100,)},
            100,
            "milestone 100 is beyond its 100 steps",
        ),
        (
            {"name": "sequential", "schedules": ("linear(length=20)", "step(decay_every=90)"), "milestones": (10,)},
            100,
            "linear: the line of 20 steps goes on beyond its 10 steps; "
            "step: the rate never falls: it would after 90 steps, and has 90",
        ),
        (
            {"name": "sequential", "schedules": ("linear", "cosine(warmup_steps=6)"), "milestones": (95,)},
            100,
            "cosine: the warm-up of 6 steps is longer than its 5 steps",
        ),
        (
            {"name": "chained", "schedules": ("linear(length=10)", "multi_step(milestones=[200])")},
            100,
            "linear: the line of 10 steps ends before its 100 steps; multi_step: milestone 200 is beyond its 100 steps",
        ),
        (
            {"name": "chained", "schedules": ("constant", "cosine")},
            60,
            "the run ends after 60 of the 100 steps that it is laid out over",
        ),
    ],
)
def test_what_does_not_fit_is_said(options: dict[str, Any], end: int, note: str) -> None:
    """A run of 100 steps, ten an epoch, that ends after ``end``."""
    said = length_note(Schedule(**options), 100, end, steps_per_epoch=10)
    assert said == (note and f"schedule {options['name']}: {note}")
    assert "\n" not in said
