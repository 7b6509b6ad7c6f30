"""What the layers of a run do in the step that follows a checkpoint: outputs, gradients, updates, and what is wrong.

The step is the run's own: its batch, its optimizer with the state it had, its learning rate. Nothing is written. After
the last step of a run, the batch of the next one is looked at with the learning rate of the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ddtrain.comm import run_on_all
from ddtrain.comm.protocol import Array
from ddtrain.diagnose.layers.verdicts import Verdict, verdicts
from ddtrain.diagnose.layers.watched_pass import LayerOutput, watch_layers
from ddtrain.diagnose.text_table import aligned
from ddtrain.errors import NonFiniteError
from ddtrain.nn import from_torch
from ddtrain.runs.diagnosing.opened import OpenedRun, Point
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.modes.batch_objective import BatchObjective
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import shared_allocator, write_once_per_node


@dataclass(frozen=True)
class ParameterRow:
    """One parameter in a step: the norms of its values, of its gradient and of its change.

    Attributes
    ----------
    beside_next : the gradient's norm over that of the next parameter of as many axes, on the way to the loss; NaN of
        the last
    """

    path: str
    value: float
    gradient: float
    update: float
    beside_next: float

    @property
    def update_ratio(self) -> float:
        """Of the change and the values; often near 1/1000 where a net learns well."""
        return self.update / self.value if self.value else math.inf if self.update else 0.0


@dataclass(frozen=True)
class LayersFound:
    """What :func:`layers` has found; ``print`` shows it as tables.

    Attributes
    ----------
    checkpoint : its directory
    step : that is looked at, counted from 1
    lr, loss : of the step
    samples : of its batch
    outputs : of the layers, in the order of their calls
    parameters : in the order of their declarations
    verdicts : what is wrong
    """

    checkpoint: str
    step: int
    lr: float
    loss: float
    samples: int
    outputs: list[LayerOutput]
    parameters: list[ParameterRow]
    verdicts: list[Verdict]

    def __str__(self) -> str:
        about = f"{self.checkpoint}: step {self.step}, {self.samples} samples, loss {self.loss:.4g}, lr {self.lr:.4g}"
        head = ["layer", "kind", "mean", "std", "zeros", "dead", "saturated", "gradient", "of next"]
        rows = [
            [each.path, each.kind, *_outputs(each), f"{each.gradient:.2e}", _ratio(ratio)]
            for each, ratio in zip(self.outputs, _beside_next([each.gradient for each in self.outputs]), strict=True)
        ]
        of_parameters = [["parameter", "values", "gradient", "of next", "update", "update/values"]]
        for row in self.parameters:
            norms = f"{row.value:.3g}", f"{row.gradient:.2e}", _ratio(row.beside_next), f"{row.update:.2e}"
            of_parameters.append([row.path, *norms, f"{row.update_ratio:.1e}"])
        said = [f"WRONG  {verdict}" for verdict in self.verdicts] or ["ok     no layer is out of the ordinary"]
        tables = [*aligned([head, *rows], texts=2), "", *aligned(of_parameters, texts=1)]
        return "\n".join([about, "", *tables, "", *said])


def _outputs(each: LayerOutput) -> list[str]:
    seen = each.outputs
    shares = ["" if share is None else f"{share:.0%}" for share in (seen.zeros, seen.dead, seen.saturated)]
    return [f"{seen.mean:.2g}", f"{seen.std:.2g}", *shares]


def _ratio(ratio: float) -> str:
    return "" if math.isnan(ratio) else f"{ratio:.2g}"


def _beside_next(gradients: list[float]) -> list[float]:
    """The ratio of each to the next; NaN of the last, and where the next is 0."""
    following = [*gradients[1:], math.nan]
    return [g / after if after else math.nan for g, after in zip(gradients, following, strict=True)]


def layers(opened: OpenedRun, checkpoint: str = "best") -> LayersFound:
    """What the layers do in the step after a checkpoint. Collective.

    Parameters
    ----------
    checkpoint : best, last, or a path

    Raises
    ------
    CheckpointError : on all ranks: there is none, it is damaged, or of another model
    NonFiniteError : on all ranks: the loss or the gradient of the step is not finite
    """
    point = opened.point(checkpoint)
    train_step, config, store = opened.train_step, opened.config, opened.store
    coordinator = Coordinator(config, train_step.control_comm, opened.steps_per_epoch)
    run_on_all(opened.comm, lambda: coordinator.load(dict(point.snapshot.coordinator)))
    mode = make_mode(train_step, Comm())
    _go_on(opened, point)
    known = {name: point.snapshot.optim[name] for name in train_step.optimizer.state if name in point.snapshot.optim}
    mode.load_optimizer_state({**mode.optimizer_state_like(), **known})
    train_step.optimizer.count = point.snapshot.optim_count
    step, at = point.snapshot.step, min(point.snapshot.step, coordinator.total_steps - 1)
    rows = opened.rows_of(step)
    with np.errstate(all="ignore"):
        outputs = watch_layers(train_step, step, rows)
        totals = mode.gradients(step, rows)
        if not totals.finite:
            raise _not_finite(point, f"the loss is {totals.means()['loss']:g}")
        whole = shared_allocator(train_step.node)(store.values.size, store.dtype)
        gradient = BatchObjective(mode, step, rows, whole).summed()
        if not np.isfinite(gradient).all():
            raise _not_finite(point, "the gradient is not finite")
        before = store.values.copy()
        opened.comm.barrier()  # no rank of the node updates what another has not yet copied
        control = coordinator.decide(at, totals, mode.square_norm())
        mode.apply(control)
        update = store.values - before
    found = _parameters(opened, before, gradient, update)
    gradients = {f"{each.path} ({each.kind})": each.gradient for each in outputs}
    statistics = {f"{each.path} ({each.kind})": each.outputs.as_dict() for each in outputs}
    weights = {name for name, view in zip(store.names, store.value_views, strict=True) if view.ndim > 1}
    ratios = {row.path: row.update_ratio for row in found if row.path in weights and row.value and control.lr}
    said = verdicts(statistics, gradients, ratios)
    loss = totals.means()["loss"]
    return LayersFound(str(point.path), step + 1, control.lr, loss, len(rows), outputs, found, said)


def _go_on(opened: OpenedRun, point: Point) -> None:
    """Stand at the values that are trained, which may be others than those that are evaluated."""
    values = from_torch(opened.task.model, point.snapshot.model)
    opened.store.load_state(values)
    write_once_per_node(opened.comm, opened.train_step.node, lambda: opened.store.load_parameters(values))


def _not_finite(point: Point, what: str) -> NonFiniteError:
    return NonFiniteError(f"{point.path}: {what} in the step after it", remedy="Look at an earlier checkpoint.")


def _parameters(opened: OpenedRun, values: Array, gradient: Array, update: Array) -> list[ParameterRow]:
    """Norms of vectors, parameter by parameter."""
    store = opened.store
    vectors = [np.asarray(x, np.float64) for x in (values, gradient, update)]
    norms = [[float(np.linalg.norm(x[span])) for x in vectors] for span in store.spans]
    axes = [view.ndim for view in store.value_views]
    found = []
    for k, (name, (value, g, moved)) in enumerate(zip(store.names, norms, strict=True)):
        after = [norms[j][1] for j in range(k + 1, len(norms)) if axes[j] == axes[k]]
        found.append(ParameterRow(name, value, g, moved, g / after[0] if after and after[0] else math.nan))
    return found
