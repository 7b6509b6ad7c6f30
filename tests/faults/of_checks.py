"""Faults of what is tried before a run: summaries, the comparison of ranks, a resume, and tests of learning rates."""

from __future__ import annotations

from tests.faults.fault import Fault

PREFLIGHT = "tests/check/test_preflight.py"
TABLE = "tests/diagnose/test_layer_table.py"
RATES = "tests/trainer/tries/test_lr_range.py"
LIMITS = "tests/trainer/tries/test_data_limits.py"

FAULTS = (
    Fault(
        "summary/products of recomputed parts are not seen",
        "ddtrain/diagnose/multiply_adds.py",
        "    def __init__(self, charge: Charge) -> None:",
        "    fuses = True\n\n    def __init__(self, charge: Charge) -> None:",
        (TABLE,),
    ),
    Fault(
        "summary/views count as memory of their own",
        "ddtrain/diagnose/layer_table.py",
        '    while isinstance(getattr(array, "base", None), np.ndarray):',
        "    while False:",
        (TABLE,),
    ),
    Fault(
        "summary/tied parameters count twice",
        "ddtrain/diagnose/layer_table.py",
        "    seen.update(map(id, own))\n",
        "",
        (TABLE,),
    ),
    Fault(
        "check/other ranks' layers are not asked for",
        "ddtrain/check/compare_ranks.py",
        "    told = comm.exchange_objects([fault.position, fault.where, fault.by, fault.before] if fault else None)\n",
        "    told = [[fault.position, fault.where, fault.by, fault.before] if fault else None]\n",
        (PREFLIGHT,),
    ),
    Fault(
        "check/rows of a part are compared with the first of the whole",
        "ddtrain/check/compare_ranks.py",
        "                by = _distance(x[slice(*bounds)], y)",
        "                by = _distance(x[: len(y)], y)",
        (PREFLIGHT,),
    ),
    Fault(
        "check/training is not compared",
        "ddtrain/check/compare_ranks.py",
        '        (True, "training", _DRAWS, _STATISTICS),\n',
        "",
        (PREFLIGHT,),
    ),
    Fault(
        "check/a difference after a resume is not seen",
        "ddtrain/check/round_trip.py",
        "    if straight != resumed:",
        "    if False:",
        (PREFLIGHT,),
    ),
    Fault(
        "check/the directory stays",
        "ddtrain/check/round_trip.py",
        "            shutil.rmtree(here, ignore_errors=True)",
        "            pass",
        (PREFLIGHT,),
    ),
    Fault(
        "lr_range/a loss that is not finite does not end it",
        "ddtrain/trainer/tries/lr_range.py",
        "        self.exploded = not average <= _EXPLODED * min(self.averages)",
        "        self.exploded = average > _EXPLODED * min(self.averages)",
        (RATES,),
    ),
    Fault(
        "lr_range/the average is not corrected for its start",
        "ddtrain/trainer/tries/lr_range.py",
        "        average = self._sum / (1 - (1 - weight) ** (len(self.losses) + 1)) if weight < 1 else loss",
        "        average = self._sum",
        (RATES,),
    ),
    Fault(
        "lr_range/the last step's rate is not the highest",
        "ddtrain/trainer/tries/lr_range.py",
        "step / (self.steps - 1))",
        "step / self.steps)",
        ("ddtrain/trainer/tries/lr_range.py", RATES),
    ),
    Fault(
        "limits/overfitting evaluates on the validation data",
        "ddtrain/trainer/tries/data_limits.py",
        "        return replace(task, train=few, valid=few)",
        "        return replace(task, train=few)",
        (LIMITS,),
    ),
    Fault(
        "limits/validation data are not limited",
        "ddtrain/trainer/tries/data_limits.py",
        'return with_few_validated(replace(task, train=train), run.limit, "--run.limit")',
        "return replace(task, train=train)",
        (LIMITS,),
    ),
)
