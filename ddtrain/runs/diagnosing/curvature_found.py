"""The loss of a run around a checkpoint: the Hessian's eigenvalues, the rates that they allow, sharpness, noise."""

# n parameters

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm import run_on_all
from ddtrain.diagnose.curvature.dense_hessian import dense_seconds, hessian_eigenvalues, require_memory
from ddtrain.diagnose.curvature.noise_scale import NoiseScale, noise_scale
from ddtrain.diagnose.curvature.sharpness import Sharpness, sharpness
from ddtrain.diagnose.curvature.spectrum import Density, Extremes, extreme_eigenvalues, spectral_density
from ddtrain.diagnose.curvature.stability import stable_rate
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.memory import memory_of_machine
from ddtrain.runs.diagnosing.opened import OpenedRun, Point
from ddtrain.trainer.step.coordinator import Coordinator

_LONG_S = 20.0  # a user is told how long it may take
SUBSPACE = 100  # dimensions of the random subspace in which Keskar et al. measure, too


@dataclass(frozen=True)
class CurvatureFound:
    """What :func:`curvature` has found; ``print`` shows it.

    Attributes
    ----------
    checkpoint : its directory
    step : steps taken there
    parameters, samples, batches : of the loss that is looked at
    loss, gradient_norm : at the checkpoint
    extremes : the outermost eigenvalues
    density : of all eigenvalues; None where all of them are known
    eigenvalues : all, rising, if they were asked for
    sharpness : in the whole space, and in a random subspace
    noise : the gradient noise scale; None of one batch
    lr : the learning rate in use, of the step before the checkpoint
    stable_lr : from which on the run's optimizer would diverge along the largest eigenvector; of all optimizers but
        ``sgd`` that of plain gradient descent
    batch_size : of the run
    """

    checkpoint: str
    step: int
    parameters: int
    samples: int
    batches: int
    loss: float
    gradient_norm: float
    extremes: Extremes
    density: Density | None
    eigenvalues: NDArray[np.float64] | None
    sharpness: list[Sharpness]
    noise: NoiseScale | None
    lr: float
    stable_lr: float
    batch_size: int

    @property
    def trace(self) -> tuple[float, float]:
        """The sum of all eigenvalues, and its standard error."""
        if self.eigenvalues is not None:
            return float(self.eigenvalues.sum()), 0.0
        assert self.density is not None, "one of the two is known"
        return self.density.trace, self.density.trace_error

    def rows(self) -> dict[str, str]:
        """The figures as text, by what they are."""
        seen, (trace, error) = self.extremes, self.trace
        known = ["" if good else " (not yet known to the tolerance: give more --steps)" for good in seen.known]
        flat = ": flat, as far as this precision can tell" if abs(seen.smallest) <= seen.flat else known[0]
        rows = {
            "loss": f"{self.loss:.6g}, gradient norm {self.gradient_norm:.4g}",
            "largest eigenvalue": f"{seen.largest:.8g}{known[1]}",
            "smallest eigenvalue": f"{seen.smallest:.8g}{flat}",
            "condition number": _condition(seen),
            "trace": f"{trace:.6g}" + (f" ± {error:.2g}" if 0 < error < math.inf else ""),
            "2 / largest": f"{seen.stable_lr:.4g}: above it, gradient descent diverges along that eigenvector",
            "learning rate": _beside(self.lr, self.stable_lr),
        }
        for each in self.sharpness:
            where = "" if each.dimensions == self.parameters else f", in {each.dimensions} random dimensions"
            rows[f"sharpness, ε = {each.epsilon:g}{where}"] = f"{each.percent:.4g} %"
        if self.noise is not None:
            rows["gradient noise scale"] = (
                f"{self.noise.scale:.4g} samples, beside a batch of {self.batch_size}; "
                f"|G|² {self.noise.gradient:.3g}, tr(Σ) {self.noise.noise:.3g}"
            )
        rows["products"] = f"{self.products:,}, exact, of a Hessian of {self.parameters:,} × {self.parameters:,}"
        return rows

    @property
    def products(self) -> int:
        """Hessian-vector products that it took."""
        return self.extremes.products + (0 if self.density is None else self.density.points.size)

    def __str__(self) -> str:
        about = (
            f"{self.checkpoint}: after step {self.step}, the mean loss of {self.samples:,} samples in {self.batches} "
        )
        rows = self.rows()
        wide = max(map(len, rows))
        lines = [f"{name:{wide}}  {text}" for name, text in rows.items()]
        return "\n".join([about + f"batch{'es' * (self.batches > 1)}", "", *lines])


def _condition(seen: Extremes) -> str:
    if math.isinf(seen.condition):
        return "infinite: some directions are flat"
    bound = ", or more, as the loss is not convex here" if seen.smallest < 0 and not seen.exact else ""
    return f"{seen.condition:.4g}{bound}"


def _beside(lr: float, stable: float) -> str:
    if not math.isfinite(stable):
        return f"{lr:.4g}; no rate diverges where nothing is curved upwards"
    verdict = "stable" if lr < stable else "beyond it: the edge of stability is passed"
    return f"{lr:.4g}, {lr / stable:.2g} of the optimizer's limit {stable:.4g}: {verdict}"


def curvature(
    opened: OpenedRun,
    checkpoint: str = "best",
    *,
    batches: int = 8,
    steps: int = 100,
    tolerance: float = 1e-6,
    probes: int = 4,
    epsilons: tuple[float, ...] = (1e-3,),
    dense: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> CurvatureFound:
    """The curvature of a run's loss at a checkpoint, over all ranks' data. Collective.

    Parameters
    ----------
    checkpoint : best, last, or a path
    batches : whose mean loss is looked at, those that follow the checkpoint; 0: of a whole epoch
    steps, tolerance : of Lanczos' method, see :func:`~ddtrain.diagnose.curvature.spectrum.extreme_eigenvalues`
    probes : random vectors for density and trace, each of which takes 40 products, or ``steps`` if that is less
    epsilons : of the boxes in which sharpness is measured; none: it is left out
    dense : find all eigenvalues by the whole Hessian, in n products
    tell : is told on rank 0 how long that may take, if it is long

    Raises
    ------
    UsageError : on all ranks: an option is out of range, or the Hessian is too large, with what it would take
    CheckpointError : on all ranks: there is none, it is damaged, or of another model
    NonFiniteError : on all ranks: the loss, its gradient or a product is not finite
    """
    memory = memory_of_machine() / opened.train_step.node.size
    run_on_all(opened.comm, lambda: _check(opened.store.values.size, steps, probes, tolerance, epsilons, memory, dense))
    point = opened.point(checkpoint)
    loss, x = opened.loss_around(point, batches), point.x
    at_x, gradient = loss.loss_and_gradient(x)
    if not (math.isfinite(at_x) and np.isfinite(gradient).all()):
        raise NonFiniteError(
            f"{point.path}: the loss is {at_x:g}, or its gradient is not finite",
            remedy="Look at an earlier checkpoint.",
        )
    if dense and (seconds := dense_seconds(loss, x)) > _LONG_S and not opened.comm.rank:
        tell(f"the whole Hessian is {x.size:,} products, and then its eigenvalues: about {seconds / 60:.1f} minutes")
    eigenvalues = hessian_eigenvalues(loss, x) if dense else None
    extremes = (
        extreme_eigenvalues(loss, x, steps, tolerance) if eigenvalues is None else Extremes.of(eigenvalues, x.dtype)
    )
    return CurvatureFound(
        checkpoint=str(point.path),
        step=point.snapshot.step,
        parameters=x.size,
        samples=loss.samples,
        batches=len(loss.sizes),
        loss=at_x,
        gradient_norm=float(np.linalg.norm(gradient)),
        extremes=extremes,
        density=None if dense else spectral_density(loss, x, probes, min(steps, 40)),
        eigenvalues=eigenvalues,
        sharpness=[
            sharpness(loss, x, epsilon, dimensions, seed=opened.config.run.seed)
            for epsilon in epsilons
            for dimensions in (0, min(SUBSPACE, x.size - 1))
        ],
        noise=noise_scale(loss.batch_gradients(x)),
        lr=_lr_in_use(opened, point),
        stable_lr=stable_rate(opened.config.optim, extremes.largest),
        batch_size=opened.config.data.batch_size,
    )


def _check(
    n: int, steps: int, probes: int, tolerance: float, epsilons: tuple[float, ...], memory: float, dense: bool
) -> None:
    for option, value, good, allowed in (
        ("--steps", steps, steps >= 2, "2 or more"),
        ("--probes", probes, probes >= 1, "1 or more"),
        ("--tolerance", tolerance, 0 < tolerance < 1, "a number above 0 and below 1"),
        *(("--epsilon", e, 0 < e < math.inf, "a finite number above 0") for e in epsilons),
    ):
        if not good:
            raise UsageError(f"{option} {value} is out of range", remedy=f"Give {allowed}.")
    require_memory(n, min(n, max(steps, SUBSPACE if epsilons else 0)), memory, dense)


def _lr_in_use(opened: OpenedRun, point: Point) -> float:
    coordinator = Coordinator(opened.config, opened.train_step.control_comm, opened.steps_per_epoch)
    run_on_all(opened.comm, lambda: coordinator.load(dict(point.snapshot.coordinator)))
    return float(coordinator.schedule.lr(max(0, min(point.snapshot.step, coordinator.total_steps) - 1)))
