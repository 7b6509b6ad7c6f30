"""Values out of range, and options that contradict each other, are named by their option."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ddtrain.errors import UsageError
from ddtrain.ops.losses import CrossEntropy, Loss
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import (
    Checkpoint,
    Clip,
    Comm,
    Config,
    Data,
    Evaluation,
    NonFinite,
    Optim,
    Run,
    Schedule,
)
from ddtrain.trainer.config.options import convert, with_parts
from ddtrain.trainer.config.validation import validate


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": Data(batch_size=0)}, "--data.batch-size 0 is out of range: Give at least 1."),
        ({"data": Data(batch_size=-8)}, "--data.batch-size -8 is out of range"),
        ({"data": Data(batch_size=3)}, "--data.batch-size 3 is smaller than the 4 ranks"),
        ({"run": Run(epochs=0)}, "--run.epochs 0"),
        ({"run": Run(seed=-1)}, "--run.seed -1"),
        ({"run": Run(seed=2**64)}, "--run.seed 18446744073709551616"),
        ({"run": Run(dir="a/" + "é" * 128)}, "--run.dir has a name of 256 bytes: Give at most 255"),
        ({"run": Run(resume="x" * 300)}, "--run.resume has a name of 300 bytes"),
        ({"data": Data(root="x" * 300)}, "--data.root has a name of 300 bytes"),
        ({"checkpoint": Checkpoint(keep=0)}, "--checkpoint.keep 0"),
        ({"nonfinite": NonFinite(max_skips=0)}, "--nonfinite.max-skips 0"),
        ({"run": Run(steps=-1)}, "--run.steps -1"),
        ({"run": Run(dtype="float16")}, "run.dtype: 'float16'"),
        ({"run": Run(epochs="3")}, "run.epochs: expected an integer, found '3'"),
        ({"comm": Comm(bucket_bytes=0)}, "--comm.bucket-bytes 0"),
        ({"optim": Optim(lr=float("nan"))}, "--optim.lr nan"),
        ({"optim": Optim(lr=float("inf"))}, "--optim.lr inf"),
        ({"optim": Optim(lr=-0.1)}, "--optim.lr -0.1"),
        ({"optim": Optim(momentum=1.0)}, "--optim.momentum 1.0"),
        ({"optim": Optim(name="adam", beta2=1.0)}, "--optim.beta2 1.0"),
        ({"optim": Optim(name="adam", eps=0.0)}, "--optim.eps 0.0"),
        (
            {"optim": Optim(momentum=0.0, nesterov=True)},
            "--optim.nesterov True is out of range: Give --optim.mom",
        ),
        ({"schedule": Schedule(min_lr=0.5)}, "--schedule.min-lr 0.5 is above --optim.lr 0.1"),
        ({"schedule": Schedule(name="step", decay_every=0)}, "--schedule.decay-every 0"),
        ({"schedule": Schedule(name="step", factor=0.0)}, "--schedule.factor 0.0"),
        (
            {"schedule": Schedule(name="plateau"), "eval": Evaluation(every=0)},
            "--schedule.name plateau watches evaluations",
        ),
        (
            {"schedule": Schedule(name="chained", schedules=("plateau",)), "eval": Evaluation(every=0)},
            "--schedule.name chained watches evaluations",
        ),
        (
            {"schedule": Schedule(min_lr=0.06, scale_lr="linear"), "data": Data(batch_size=128)},
            "--schedule.min-lr 0.06 is above --optim.lr 0.1, which --schedule.scale-lr makes 0.05",
        ),
        ({"schedule": Schedule(scale_lr="cubic")}, "schedule.scale_lr: 'cubic' is none of none, linear, sqrt"),
        ({"schedule": Schedule(reference_batch=0)}, "--schedule.reference-batch 0 is out of range: Give at least 1."),
        (
            {"schedule": Schedule(name="sequential", schedules=("cosin",), milestones=())},
            "--schedule.schedules 'cosin': there is no schedule 'cosin': Did you mean cosine?",
        ),
        (
            {"schedule": Schedule(name="sequential", milestones=(3, 4))},
            "--schedule.milestones (3, 4) is out of range: Give times above 0 in rising order, one fewer than the 2",
        ),
        ({"optim": Optim(momentum_form="heavy")}, "optim.momentum_form: 'heavy' is none of pytorch, lecture, friction"),
        ({"optim": Optim(l1=-1.0)}, "--optim.l1 -1.0"),
        ({"eval": Evaluation(every=0, patience=2)}, "--eval.patience watches evaluations"),
        ({"clip": Clip(norm=float("inf"))}, "--clip.norm inf"),
        ({"clip": Clip(value=-1.0)}, "--clip.value -1.0"),
    ],
)
def test_values_out_of_range_are_named_by_their_option(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate(replace(Config(), **change), size=4)
    assert caught.value.one_line.startswith(complaint)
    assert "\n" not in caught.value.one_line


@pytest.mark.parametrize("config", [Config(), Config(data=Data(batch_size=4))])
def test_the_defaults_are_valid(config: Config) -> None:
    validate(config, size=4)


def test_every_number_has_a_range() -> None:
    """A new option cannot be forgotten: each int and float is refused at some absurd value."""
    for leaf in tables.leaves(Config()):
        section, name = leaf.split(".")
        if type(tables.lookup(Config(), leaf)) in (int, float):
            absurd = replace(Config(), **{section: replace(getattr(Config(), section), **{name: -1})})
            with pytest.raises(UsageError, match=f"--{leaf.replace('_', '-')} -1"):
                validate(absurd, size=1)


@pytest.mark.parametrize("given", [None, {"epochs": 3}, 3])
def test_what_is_no_section_is_named_and_what_is_wanted(given: Any) -> None:
    with pytest.raises(UsageError, match=r"run: expected the section Run, found .*\n  Give Run\(\.\.\.\)\."):
        validate(Config(run=given), size=1)


@dataclass(frozen=True)
class WithLoss(Config):
    """A recipe that lets the loss be picked by name."""

    loss: Loss = CrossEntropy()


def test_a_part_of_a_recipes_own_has_its_name_its_options_and_its_ranges() -> None:
    config = convert(with_parts(WithLoss(), ["--loss.name", "huber"]), ["--loss.name", "huber", "--loss.delta", "0.5"])
    assert config.loss == Loss(name="huber", delta=0.5)  # type: ignore[attr-defined,call-arg]
    validate(config, 1)
    validate(convert(WithLoss(), ["--loss.weight", "1", "2"]), 1)
    with pytest.raises(UsageError) as error:
        validate(WithLoss(loss=CrossEntropy(label_smoothing=2.0)), 1)
    assert error.value.one_line == "--loss.label-smoothing 2.0 is out of range: Give a number in [0, 1]."
    with pytest.raises(UsageError, match="delta is no option of cross_entropy"):
        convert(WithLoss(), ["--loss.delta", "0.5"])
