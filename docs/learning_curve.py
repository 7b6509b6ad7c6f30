"""Draws the README's figure of a run: ``python docs/learning_curve.py RUN docs/images/learning-curve.svg``."""

from __future__ import annotations

import sys

import numpy as np

import ddtrain
from ddtrain.bench import plots

MEAN_OF = 20  # steps


def draw(run: ddtrain.Run, file: str) -> None:
    """Loss and accuracy over the steps, of training samples as means of some steps, and of validation samples."""
    figure, axes = plots.axes(1, 2, width=3.6, height=2.4)
    for axis, name in zip(axes[0], ("loss", "accuracy"), strict=True):
        steps, values = run.history.steps(name), run.history[name]
        kept = len(values) // MEAN_OF * MEAN_OF
        axis.plot(
            steps[MEAN_OF - 1 : kept : MEAN_OF],
            np.reshape(values[:kept], (-1, MEAN_OF)).mean(axis=1),
            color=plots.OURS,
            label="training",
        )
        axis.plot(
            run.history.steps(f"valid_{name}"), run.history[f"valid_{name}"], "o-", color=plots.PEER, label="validation"
        )
        axis.set_xlabel("step")
        axis.set_title(name)
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    plots.save(figure, file)


if __name__ == "__main__":
    draw(ddtrain.Run(sys.argv[1]), sys.argv[2])
