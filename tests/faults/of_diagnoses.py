"""Faults of what looks into a run: eigenvalues, sharpness, noise, layers, landscapes and their contours."""

from __future__ import annotations

from tests.faults.fault import Fault

SPECTRUM = "tests/diagnose/curvature/test_spectrum.py"
SHARPNESS = "tests/diagnose/curvature/test_sharpness.py"
NOISE = "tests/diagnose/curvature/test_noise_scale.py"
WATCHED = "tests/diagnose/layers/test_watched_pass.py"
VERDICTS = "tests/diagnose/layers/test_verdicts.py"
LANDSCAPE = "tests/diagnose/test_landscape.py"
RUNS = "tests/runs/diagnosing/test_diagnosing.py"
CONTOURS = "tests/report/drawing/test_contours.py"

FAULTS = (
    Fault(
        "lanczos/vectors are made orthogonal to the latest alone",
        "ddtrain/optim/batch_methods/lanczos.py",
        "            along = along - self._objective.agree(self.basis[: k + 1] @ along) @ self.basis[: k + 1]",
        "            along = along - self._objective.agree(self.basis[k : k + 1] @ along) @ self.basis[k : k + 1]",
        (SPECTRUM, "tests/optim/batch_methods/test_lanczos.py"),
    ),
    Fault(
        "spectrum/extremes are looked for from signs",
        "ddtrain/diagnose/curvature/spectrum.py",
        "finite(objective, x), objective.random_normal(x), x, most)",
        "finite(objective, x), objective.random_signs(x, 0), x, most)",
        (f"{SPECTRUM}::test_an_eigenvector_that_all_signs_may_miss_is_found",),
    ),
    Fault(
        "spectrum/weights are not squared",
        "ddtrain/diagnose/curvature/spectrum.py",
        "values, vectors[0] ** 2",
        "values, np.abs(vectors[0])",
        (SPECTRUM,),
    ),
    Fault(
        "spectrum/it ends at the first look",
        "ddtrain/diagnose/curvature/spectrum.py",
        "            good = good + 1 if all(_known(space, x.dtype, tolerance)[1]) else 0",
        "            good = good + 1",
        (SPECTRUM,),
    ),
    Fault(
        "spectrum/the trace is a mean",
        "ddtrain/diagnose/curvature/spectrum.py",
        "        traces[probe] = x.size * space.matrix[0, 0]",
        "        traces[probe] = space.matrix[0, 0]",
        (SPECTRUM,),
    ),
    Fault(
        "sharpness/the box is around zero",
        "ddtrain/diagnose/curvature/sharpness.py",
        "epsilon * (np.abs(x.astype(np.float64)) + 1)",
        "epsilon * np.abs(x.astype(np.float64))",
        (SHARPNESS,),
    ),
    Fault(
        "sharpness/steps leave the box",
        "ddtrain/diagnose/curvature/sharpness.py",
        "        trial = np.clip(z + length * direction, -sides, sides)",
        "        trial = z + length * direction",
        (SHARPNESS,),
    ),
    Fault(
        "sharpness/sides bind for good",
        "ddtrain/diagnose/curvature/sharpness.py",
        "free = ~(((z >= sides) & (gradient > 0)) | ((z <= -sides) & (gradient < 0)))",
        "free = ~((z >= sides) | (z <= -sides))",
        (SHARPNESS,),
    ),
    Fault(
        "noise/ragged batches count as their mean size",
        "ddtrain/diagnose/curvature/noise_scale.py",
        "    of_small, of_large = inverse_sizes / batches, 1 / samples",
        "    of_small, of_large = batches / samples, 1 / samples",
        (NOISE,),
    ),
    Fault(
        "noise/the gradient's noise is taken for the gradient",
        "ddtrain/diagnose/curvature/noise_scale.py",
        "NoiseScale(large - noise * of_large,",
        "NoiseScale(large,",
        ("ddtrain/diagnose/curvature/noise_scale.py", NOISE),
    ),
    Fault(
        "stability/nesterov is heavy ball",
        "ddtrain/diagnose/curvature/stability.py",
        "    rate = 2 * (1 + optim.momentum) / (1 + 2 * optim.momentum * optim.nesterov) / curved",
        "    rate = 2 * (1 + optim.momentum) / curved",
        ("tests/diagnose/curvature/test_stability.py",),
    ),
    Fault(
        "layers/gradients are of this rank's samples",
        "ddtrain/diagnose/layers/watched_pass.py",
        "    train_step.comm.allreduce(squares)\n",
        "",
        (WATCHED,),
    ),
    Fault(
        "layers/one of several cotangents is kept",
        "ddtrain/diagnose/layers/watched_pass.py",
        "np.array(value_of(g), np.float64) + (0.0 if so_far is None else so_far)",
        "np.array(value_of(g), np.float64)",
        (WATCHED,),
    ),
    Fault(
        "layers/deviations are from each rank's mean",
        "ddtrain/diagnose/layers/statistics.py",
        "_spread(s, mean) for s, mean in zip(parts, means, strict=True)",
        "_spread(s, s.total / max(s.count, 1)) for s in parts",
        (WATCHED,),
    ),
    Fault(
        "layers/a unit is dead that is zero on one rank",
        "ddtrain/diagnose/layers/statistics.py",
        "    comm.allreduce(alive)\n",
        "",
        (WATCHED,),
    ),
    Fault(
        "layers/what runs again is a further call",
        "ddtrain/trainer/step/forward_pass.py",
        "model.run.calls = model.run.watcher = None",
        "model.run.calls = None",
        (WATCHED,),
    ),
    Fault(
        "verdicts/it begins at the input",
        "ddtrain/diagnose/layers/verdicts.py",
        "        begin -= 1",
        "        break",
        (VERDICTS,),
    ),
    Fault(
        "diagnose/an update without the optimizer's state",
        "ddtrain/runs/diagnosing/layers_found.py",
        "    mode.load_optimizer_state({**mode.optimizer_state_like(), **known})\n",
        "",
        (RUNS,),
    ),
    Fault(
        "diagnose/batches weigh alike, whatever their size",
        "ddtrain/runs/diagnosing/training_loss.py",
        "                total += product(batch) * (size / self.samples)",
        "                total += product(batch) / len(self.sizes)",
        (RUNS,),
    ),
    Fault(
        "diagnose/buffers stay those of the initial model",
        "ddtrain/runs/diagnosing/opened.py",
        "        self.store.load_state(point.values)\n",
        "",
        (RUNS,),
    ),
    Fault(
        "landscape/filters are normalised as a whole",
        "ddtrain/diagnose/landscape.py",
        "            others = tuple(range(view.ndim - 1))",
        "            others = tuple(range(view.ndim))",
        (LANDSCAPE,),
    ),
    Fault(
        "landscape/rows and columns are exchanged",
        "ddtrain/diagnose/landscape.py",
        "for p in a] for q in b]",
        "for q in b] for p in a]",
        (LANDSCAPE,),
    ),
    Fault(
        "contours/saddles are always joined alike",
        "ddtrain/report/drawing/contours.py",
        "            turn = (mean > level) == corners[0]",
        "            turn = corners[0]",
        (CONTOURS,),
    ),
    Fault(
        "contours/lines stand in the middle of edges",
        "ddtrain/report/drawing/contours.py",
        "    along = (level - first) / (last - first)",
        "    along = 0.5",
        (CONTOURS,),
    ),
)
