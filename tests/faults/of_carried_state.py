"""Faults of a state that is carried on: in streams, rows of buffers, and text that is written."""

from __future__ import annotations

from tests.faults.fault import Fault

CARRIED = "tests/equivalence/test_carried_state.py"

FAULTS = (
    Fault(
        "streams/a text follows the end of another",
        "ddtrain/data/streams.py",
        "steps[np.asarray(begins, np.int64)] = 2",
        "steps[np.asarray(begins, np.int64)] = 1",
        ("tests/data/test_streams.py",),
    ),
    Fault(
        "streams/samples are in their own order",
        "ddtrain/data/streams.py",
        "np.lexsort((self._streams, within))",
        "np.lexsort((within, self._streams))",
        ("tests/data/test_streams.py", CARRIED),
    ),
    Fault(
        "streams/the loop shuffles them",
        "ddtrain/data/dataset.py",
        "    if not has_order(dataset):\n",
        "    if True:\n",
        ("tests/data/test_streams.py", CARRIED),
    ),
    Fault(
        "carried/what does not follow goes on",
        "ddtrain/nn/carried_state.py",
        "(value_of(self.after)[streams_N] == pieces_N - 1)",
        "(value_of(self.after)[streams_N] >= 0)",
        (f"{CARRIED}::test_after_a_skipped_step_states_are_empty", "tests/nn/test_carried_state.py"),
    ),
    Fault(
        "carried/rows are those of the batch",
        "ddtrain/nn/carried_state.py",
        "    new[rows] = values\n",
        "    new[: len(rows)] = values\n",
        (f"{CARRIED}::test_pieces_have_the_losses_of_the_whole_text", "tests/nn/test_carried_state.py"),
    ),
    Fault(
        "carried/an evaluation sees it",
        "ddtrain/models/text/recurrent_lm.py",
        "if self.carried is None or streams_N is None or not self.run.training:",
        "if self.carried is None or streams_N is None:",
        ("tests/models/text/test_recurrent_lm.py",),
    ),
    Fault(
        "rows/one that became zero stays what it was",
        "ddtrain/trainer/step/model_buffers.py",
        "changed_R[...] = ~same.all(axis=tuple(range(1, old.ndim)))",
        "changed_R[...] = ~same.all(axis=tuple(range(1, old.ndim))) & (new != 0).reshape(len(new), -1).any(axis=1)",
        ("tests/trainer/step/test_model_buffers.py",),
    ),
    Fault(
        "rows/two shards change one and it is nobody's",
        "ddtrain/trainer/step/model_buffers.py",
        "            if (changed_R > 1).any():\n",
        "            if (changed_R > 2).any():\n",
        ("tests/trainer/step/test_model_buffers.py",),
    ),
    Fault(
        "generate/a state is forgotten after each token",
        "ddtrain/generate.py",
        "task.go_on(model, latest, state)",
        "task.go_on(model, latest, None)",
        ("tests/test_generate.py",),
    ),
)
