"""All faults: a sign, a factor, an order, a skipped wait, a dropped sum, each with the tests that should notice."""

from __future__ import annotations

from tests.faults import (
    of_autodiff,
    of_averages,
    of_batch_methods,
    of_callbacks,
    of_carried_state,
    of_checks,
    of_comm,
    of_data,
    of_diagnoses,
    of_evaluation,
    of_layers,
    of_meta,
    of_numerics,
    of_parallel,
    of_plans,
    of_reports,
    of_search,
    of_trainer,
)

FAULTS = (
    *of_autodiff.FAULTS,
    *of_numerics.FAULTS,
    *of_averages.FAULTS,
    *of_batch_methods.FAULTS,
    *of_data.FAULTS,
    *of_carried_state.FAULTS,
    *of_layers.FAULTS,
    *of_comm.FAULTS,
    *of_parallel.FAULTS,
    *of_plans.FAULTS,
    *of_trainer.FAULTS,
    *of_reports.FAULTS,
    *of_evaluation.FAULTS,
    *of_callbacks.FAULTS,
    *of_checks.FAULTS,
    *of_search.FAULTS,
    *of_diagnoses.FAULTS,
    *of_meta.FAULTS,
)
