"""What a run can be told, and where its values come from.

Read ``config`` first (one dataclass a component), then ``command_line`` (recipe, files and options, and which of them
wins) and ``options`` (``--section.key value``, checked and explained). ``tables`` turns the dataclasses into nested
dicts and back, with ``field_types`` (values of the right type) and ``toml_files``; ``validation`` has their ranges and
contradictions. ``resumed_options`` finds what an earlier run was told,
``renamed`` understands former names, and ``same_options`` compares what the ranks were told.
"""

from ddtrain.ops.losses import Loss
from ddtrain.optim import Average, Optim
from ddtrain.optim.schedules import Schedule
from ddtrain.trainer.config.config import (
    Checkpoint,
    Clip,
    Comm,
    Config,
    Data,
    Debug,
    Evaluation,
    Initial,
    NonFinite,
    Run,
)
from ddtrain.trainer.config.validation import validate

__all__ = [
    "Average", "Checkpoint", "Clip", "Comm", "Config", "Data", "Debug", "Evaluation", "Initial", "Loss", "NonFinite",
    "Optim", "Run", "Schedule", "validate",
]  # fmt: skip
