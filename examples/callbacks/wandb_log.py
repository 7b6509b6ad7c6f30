"""Figures of a run at Weights & Biases (``pip install wandb``): ``ddtrain.main(build, callbacks=[WandbLog()])``.

Every rank has the callback, and rank 0, which alone has the run's directory, speaks to the server. A resumed run goes
on in the same run there, as both have the directory's name; steps that it takes again are left out by W&B itself.
"""

from dataclasses import asdict

import wandb

import ddtrain


class WandbLog(ddtrain.Callback):
    """A run of W&B that has the name of the run's directory; WANDB_MODE=offline where compute nodes have no network."""

    def start(self, run):
        if run.directory is not None:
            name = run.directory.name
            wandb.init(project="ddtrain", id=name, resume="allow", dir=run.directory, config=asdict(run.config))

    def step(self, run):
        if run.directory is not None:
            wandb.log(dict(run.figures), step=run.step)

    evaluation = step

    def end(self, run):
        if run.directory is not None:
            wandb.finish()
