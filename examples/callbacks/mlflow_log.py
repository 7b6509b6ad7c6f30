"""Figures of a run in MLflow (``pip install mlflow``): ``ddtrain.main(build, callbacks=[MlflowLog()])``.

Every rank has the callback, and rank 0, which alone has the run's directory, speaks to the server.
"""

from dataclasses import asdict

import mlflow

import ddtrain


class MlflowLog(ddtrain.Callback):
    """A run of MLflow for each start of a run; where figures go is MLFLOW_TRACKING_URI's matter."""

    def start(self, run):
        if run.directory is not None:
            mlflow.start_run(run_name=run.directory.name)
            mlflow.log_dict(asdict(run.config), "config.json")

    def step(self, run):
        if run.directory is not None:
            mlflow.log_metrics(dict(run.figures), step=run.step)

    evaluation = step

    def end(self, run):
        if run.directory is not None:
            mlflow.end_run()
