"""Faults of methods that ask their batch for more than a gradient: curvature, its samples, and what is refused."""

from __future__ import annotations

from tests.faults.fault import Fault

PASSES = "tests/trainer/step/test_trial_passes.py"
POINTS = "tests/trainer/modes/test_trial_points.py"
CHECKS = "tests/trainer/step/test_method_checks.py"
SADDLES = "tests/optim/batch_methods/test_batch_methods.py"
FORMULA = "tests/optim/batch_methods/test_gauss_newton.py"
LEVENBERG = "ddtrain/optim/batch_methods/levenberg_marquardt.py"
OBJECTIVE = "ddtrain/trainer/modes/batch_objective.py"
TRIAL = "ddtrain/trainer/step/trial_passes.py"

FAULTS = (
    Fault(
        "gauss_newton/what the loss reads itself is left out",
        TRIAL,
        "traced_sum(forward(store.with_parameters(leaves), outputs.replay(arrays)))",
        "traced_sum(forward(store.with_parameters(store.value_views), outputs.replay(arrays)))",
        (f"{PASSES}::test_products_are_those_of_the_matrix",),
    ),
    Fault(
        "gauss_newton/modules within modules are outputs, too",
        "ddtrain/nn/binding.py",
        "        calls, self.calls = self.calls, None\n",
        "        calls = self.calls\n",
        ("tests/nn/test_model_outputs.py",),
    ),
    Fault(
        "gauss_newton/what runs again is recorded again",
        "ddtrain/trainer/step/forward_pass.py",
        "model.run.calls = model.run.watcher = None",
        "model.run.watcher = None",
        (f"{PASSES}::test_a_checkpoint_within_the_model_runs_again_within_the_model",),
    ),
    Fault(
        "gauss_newton/derivatives of outputs are taken for constants",
        "ddtrain/nn/model_outputs.py",
        "leaf._trace.level > self._trace.level",
        "leaf._trace.level < self._trace.level",
        (f"{PASSES}::test_a_loss_that_differentiates_the_outputs_is_refused",),
    ),
    Fault(
        "curvature/its samples are each rank's own",
        OBJECTIVE,
        "some_of(rows, curvature_samples, mode.train_step.seed, step)",
        "some_of(rows, curvature_samples, mode.train_step.seed + mode.train_step.comm.rank, step)",
        (f"{POINTS}::test_curvature_of_some_samples_has_the_same_bits_on_any_ranks",),
    ),
    Fault(
        "curvature/its mean is over the whole batch",
        OBJECTIVE,
        "self._curvature = TrialPasses(mode.train_step, step, self._some)",
        "self._curvature = TrialPasses(mode.train_step, step, rows)",
        (f"{POINTS}::test_curvature_of_some_samples_is_that_of_a_batch_of_them",),
    ),
    Fault(
        "curvature/a difference is from the whole batch's gradient",
        "ddtrain/optim/batch_methods/hessian_free.py",
        "near = objective.curvature_gradient(x) if self._differs else gradient",
        "near = gradient",
        (f"{POINTS}::test_products_by_difference_are_of_the_same_samples",),
    ),
    Fault(
        "levenberg_marquardt/the model of the decrease has the damping in it",
        LEVENBERG,
        "curvature = dot(objective, e, product) - damping * dot(objective, e, e)",
        "curvature = dot(objective, e, product)",
        (f"{FORMULA}::test_steps_are_those_of_the_formula_with_a_matrix",),
    ),
    Fault(
        "levenberg_marquardt/the step is not scaled back",
        LEVENBERG,
        "trial = x + lr * scale * e",
        "trial = x + lr * e",
        (f"{FORMULA}::test_steps_are_those_of_the_formula_with_a_matrix",),
    ),
    Fault(
        "levenberg_marquardt/the damping is forgotten between steps",
        LEVENBERG,
        'float(state["damping"][0]) or self.damping, float',
        "self.damping, float",
        (f"{FORMULA}::test_steps_are_those_of_the_formula_with_a_matrix",),
    ),
    Fault(
        "newton/its size is looked at by nobody",
        "ddtrain/trainer/step/method_checks.py",
        "    run_on_all(comm, lambda: formula.check_size(n, itemsize, memory))\n",
        "    pass\n",
        (f"{POINTS}::test_what_is_trained_of_a_model_may_be_too_large",),
    ),
    Fault(
        "batch methods/dropout is let be",
        "ddtrain/trainer/step/method_checks.py",
        "    if drawn and not formula.minibatch:\n",
        "    if False:\n",
        (f"{CHECKS}::test_dropout_is_refused_by_path_and_rate_unless_it_is_wanted",),
    ),
    Fault(
        "batch methods/augmentation is let be",
        "ddtrain/trainer/step/method_checks.py",
        '    if hasattr(train, "training_batch"):\n',
        "    if False:\n",
        (f"{CHECKS}::test_augmented_samples_are_refused_unless_they_are_wanted",),
    ),
    Fault(
        "batch methods/no product is tried",
        "ddtrain/trainer/step/method_checks.py",
        "            if formula.matrix:\n",
        "            if False:\n",
        (f"{CHECKS}::test_an_operation_without_forward_mode",),
    ),
    Fault(
        "hessian_free/a saddle point is taken for a minimum",
        "ddtrain/optim/batch_methods/hessian_free.py",
        "            if left is not None:\n",
        "            if False:\n",
        (f"{SADDLES}::test_a_saddle_point_is_left_in_one_step_which_says_so",),
    ),
    Fault(
        "hessian_free/negative curvature that is met late is dropped",
        "ddtrain/optim/batch_methods/linear_cg.py",
        "* p if bent else None",
        "* p if False else None",
        (f"{SADDLES}::test_negative_curvature_that_is_met_late_is_followed",),
    ),
    Fault(
        "lanczos/rounding is taken for curvature",
        "ddtrain/optim/batch_methods/lanczos.py",
        "if not values[0] < -rounding(x.dtype) * np.abs(values).max():",
        "if not values[0] < 0:",
        ("tests/optim/batch_methods/test_lanczos.py::test_a_minimum_shows_none",),
    ),
)
