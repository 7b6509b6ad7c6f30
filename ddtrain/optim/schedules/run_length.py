"""Whether a schedule is as long as the run: what does not fit is said at the start."""

from __future__ import annotations

from ddtrain.errors import UsageError
from ddtrain.optim.schedules.protocol import Schedule


def require_warmup_within(schedule: Schedule, total_steps: int) -> None:
    """Refuse a warm-up that the run would end in.

    Raises
    ------
    UsageError : it is longer than the whole run
    """
    if schedule.warmup_steps > total_steps:
        raise UsageError(
            f"--schedule.warmup-steps {schedule.warmup_steps} is more than the {total_steps} steps of the run",
            remedy="Give fewer, or more --run.epochs.",
        )


def length_note(schedule: Schedule, total_steps: int, end: int, steps_per_epoch: int) -> str:
    """Say in one line where schedule and run differ in length; empty if they do not.

    Parameters
    ----------
    schedule : the section
    total_steps : of the whole run, over which a schedule may be laid out
    end : the step after which the run is to end, earlier if it is cut short

    >>> length_note(Schedule(name="multi_step", milestones=(50, 200, 300)), 100, 100, steps_per_epoch=10)
    'schedule multi_step: milestones 200, 300 are beyond its 100 steps'
    >>> length_note(Schedule(name="cosine", warmup_steps=5), 100, 20, steps_per_epoch=10)
    'schedule cosine: the run ends after 20 of the 100 steps that it is laid out over'
    """
    if schedule.warmup_steps > end:
        said = [f"the run ends after {end} of the {schedule.warmup_steps} steps of its warm-up"]
    else:
        cut = end < total_steps and schedule.spans_run()
        said = [f"the run ends after {end} of the {total_steps} steps that it is laid out over"] if cut else []
        said += schedule.misfits(end - schedule.warmup_steps, steps_per_epoch)
    return f"schedule {schedule.name}: {'; '.join(said)}" if said else ""
