"""Faults of what is asked of a trained model: predictions, figures of all samples, files for other programs."""

from __future__ import annotations

from tests.faults.fault import Fault

PREDICTING = "tests/runs/test_predicting.py"
SAMPLES = "tests/trainer/evaluation/test_all_samples.py"
METRICS = "tests/metrics/test_metrics.py"
VERBS = "tests/commands/test_predict_export.py"

FAULTS = (
    Fault(
        "predict/every rank computes everything",
        "ddtrain/runs/predicting.py",
        "part_bounds(batches, comm.rank, parts) if comm.rank < parts else (0, 1)",
        "part_bounds(batches, 0, 1) if comm.rank < parts else (0, 1)",
        (PREDICTING,),
    ),
    Fault(
        "predict/a rank without a batch gives rows, too",
        "ddtrain/runs/predicting.py",
        "columns = [column[:0] for column in columns]",
        "columns = [column[:1] for column in columns]",
        (PREDICTING,),
    ),
    Fault(
        "predict/a model that trains drops out",
        "ddtrain/runs/predicting.py",
        "        net = net.evaluating()\n",
        "        pass\n",
        (PREDICTING,),
    ),
    Fault(
        "predict/samples keep their dtype",
        "ddtrain/runs/predicting.py",
        "batch_of(dataset, rows, dtype) if dtype is not None else",
        "batch_of(dataset, rows, dtype) if dtype is np.int8 else",
        (PREDICTING,),
    ),
    Fault(
        "predict/an error stays on its rank",
        "ddtrain/runs/predicting.py",
        "run_on_all(comm, lambda: part(comm))",
        "part(comm)",
        (PREDICTING,),
    ),
    Fault(
        "predict/samples are not prepared as the run's were",
        "ddtrain/runs/run_predictions.py",
        "    return transform if callable(transform) else None",
        "    return None",
        (VERBS,),
    ),
    Fault(
        "predict/columns in the file's order",
        "ddtrain/runs/sample_files.py",
        "read_csv(path, columns if named else (), header=named)",
        "read_csv(path, sorted(columns) if named else (), header=named)",
        ("tests/runs/test_sample_files.py", VERBS),
    ),
    Fault(
        "evaluation/samples in the order of the ranks",
        "ddtrain/trainer/evaluation/all_samples.py",
        "column[order] for name, column",
        "column for name, column",
        (SAMPLES,),
    ),
    Fault(
        "evaluation/the last validation set decides",
        "ddtrain/trainer/evaluation/evaluate.py",
        "    if name and not figures:\n",
        "    if name:\n",
        (SAMPLES,),
    ),
    Fault(
        "evaluation/only the first validation set is compared",
        "ddtrain/trainer/task.py",
        "    others = list(task.valid_sets)[1:]\n",
        "    others = list(task.valid_sets)[1:1]\n",
        (SAMPLES,),
    ),
    Fault(
        "evaluation/the best samples are shown as the worst",
        "ddtrain/trainer/evaluation/samples.py",
        "np.argsort(-np.where(",
        "np.argsort(np.where(",
        (SAMPLES,),
    ),
    Fault(
        "metrics/ties in the order of the samples",
        "ddtrain/metrics/scores.py",
        "    ranks = last - (ties - 1) / 2",
        "    ranks = last - (ties - 1) * 1.0",
        (METRICS,),
    ),
    Fault(
        "metrics/rows and columns are exchanged",
        "ddtrain/metrics/classes.py",
        "np.bincount(right_N * k + predicted_N, minlength",
        "np.bincount(predicted_N * k + right_N, minlength",
        (METRICS,),
    ),
)
