"""Faults of trainings that are differentiated, and of optimizers that are learned."""

from __future__ import annotations

from tests.faults.fault import Fault

UNROLLED, LSTM, LEARNED = (
    *("tests/meta/test_unrolled_training.py", "tests/meta/test_lstm_training.py"),
    "tests/meta/test_learned.py",
)
DIFFERENCES = f"{UNROLLED}::test_hypergradients_are_finite_differences_through_200_steps"
DERIVATIVE = f"{LSTM}::test_the_derivative_is_that_of_the_unrolled_training_without_second_derivatives"

FAULTS = (
    Fault(
        "hypergradients/the gradient does not depend on the parameters",
        "ddtrain/meta/unrolled_training.py",
        "State(to_x + flatten(product)[0], to_m)",
        "State(to_x, to_m)",
        (DIFFERENCES,),
    ),
    Fault(
        "hypergradients/what is remembered has no past",
        "ddtrain/meta/unrolled_training.py",
        "State(to_x + flatten(product)[0], to_m)",
        "State(to_x + flatten(product)[0], self.start.remembered)",
        (DIFFERENCES,),
    ),
    Fault(
        "hypergradients/steps count from 2",
        "ddtrain/meta/unrolled_training.py",
        "onp.asarray(t + 1.0, dtype)",
        "onp.asarray(t + 2.0, dtype)",
        (f"{UNROLLED}::test_a_training_is_that_of_the_optimizer",),
    ),
    Fault(
        "hypergradients/a training is one segment",
        "ddtrain/meta/kept_states.py",
        "advance, steps, segment_length(steps)",
        "advance, steps, steps",
        (f"{UNROLLED}::test_at_most_two_square_roots_of_states_are_held",),
    ),
    Fault(
        "hypergradients/Adam's root has an infinite derivative at 0",
        "ddtrain/meta/updates.py",
        "np.where(positive, np.sqrt(np.where(positive, x, 1.0)), 0.0)",
        "np.sqrt(x)",
        (f"{UNROLLED}::test_weights_without_gradients_have_no_nan_of_adams_root",),
    ),
    Fault(
        "learned optimizers/a move is answerable for the next loss alone",
        "ddtrain/meta/lstm_training.py",
        "np.cumsum(later[::-1], axis=0)[::-1].T",
        "np.array(later).T",
        (DERIVATIVE,),
    ),
    Fault(
        "learned optimizers/a truncation begins with no state",
        "ddtrain/meta/lstm_training.py",
        "        return state, g, losses\n",
        "        return np.zeros_like(state), g, losses\n",
        (f"{LSTM}::test_state_and_parameters_go_on_from_truncation_to_truncation",),
    ),
    Fault(
        "learned optimizers/ranks draw the same problems",
        "ddtrain/meta/lstm_training.py",
        "numbers = range(self._problems)[self._own]",
        "numbers = range(len(range(self._problems)[self._own]))",
        (f"{LSTM}::test_any_number_of_ranks_is_one",),
    ),
    Fault(
        "learned optimizers/a clipped gradient is read as it is",
        "ddtrain/meta/learned.py",
        "features(scale * grads[at])",
        "features(grads[at])",
        (f"{LEARNED}::test_it_moves_by_what_the_network_says",),
    ),
)
