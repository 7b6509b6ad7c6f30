"""Parts as text: what is understood, and what is said of the rest; schedules are the example."""

from __future__ import annotations

import re

import pytest

from ddtrain import part_calls
from ddtrain.data.augment import Augment
from ddtrain.data.inputs import Inputs
from ddtrain.errors import UsageError
from ddtrain.nn.init.initializer import Initializer
from ddtrain.ops.losses import Loss
from ddtrain.optim import Optim
from ddtrain.optim.schedules import Schedule
from ddtrain.optim.schedules.composed.composition import parse
from ddtrain.parts import Part


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["cosine"], [Schedule(name="cosine")]),
        (["cosine()"], [Schedule(name="cosine")]),
        (
            [" linear(start=0.1, length=5) , cosine "],
            [Schedule(name="linear", start=0.1, length=5), Schedule(name="cosine")],
        ),
        (["(linear, cosine)", "step"], [Schedule(name="linear"), Schedule(name="cosine"), Schedule(name="step")]),
        (["linear(start=1)"], [Schedule(name="linear", start=1.0)]),
        (
            ["multi_step(milestones=(2, 5), unit='epoch')"],
            [Schedule(name="multi_step", milestones=(2, 5), unit="epoch")],
        ),
        (["step(unit=epoch)"], [Schedule(name="step", unit="epoch")]),
        (["chained(schedules=(cosine, 'step'))"], [Schedule(name="chained", schedules=("cosine", "step"))]),
        (["multi_step(milestones=[2])"], [Schedule(name="multi_step", milestones=(2,))]),
        (["multi_step(milestones=2)"], [Schedule(name="multi_step", milestones=(2,))]),
        (["cosine(warmup_steps=3, min_lr=1e-4)"], [Schedule(name="cosine", warmup_steps=3, min_lr=1e-4)]),
        (
            ["chained(schedules=('cosine', 'linear(start=0.5)'))"],
            [Schedule(name="chained", schedules=("cosine", "linear(start=0.5)"))],
        ),
        ([], []),
        ([""], []),
    ],
)
def test_calls_are_schedules(texts: list[str], expected: list[Schedule]) -> None:
    assert parse(texts) == expected


def test_numbers_are_of_the_types_of_their_options() -> None:
    (linear,) = parse(["linear(start=1)"])
    assert type(linear.start) is float  # type: ignore[attr-defined]


NO_LIST = (
    "is no list of the kind schedule\n  Write calls with commas between them: 'linear(start=0.1, length=100), cosine'."
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosine(", f"'cosine(' {NO_LIST}"),
        ("linear(0.1)", "'linear(0.1)': linear takes its options by name\n  Name the argument: linear(start=...)."),
        ("linear(print())", NO_LIST),
        ("linear(*start)", NO_LIST),
        ("linear(**{'start': 0.1})", NO_LIST),
        ("linear(start=print())", NO_LIST),
        ("linear(start=start)", "linear(start=start): expected a number"),
        ("step(unit=hour)", "step(unit=hour) is none of 'step', 'epoch'"),
        ("multi_step(milestones=(2, a))", "multi_step(milestones=a): expected an integer"),
        ("a.b(start=1)", NO_LIST),
        ("1", NO_LIST),
        ("cosine, 'step'", NO_LIST),
        ("linear(min-lr=1)", NO_LIST),
        ("(" * 5000, NO_LIST),
        ("cosin", "'cosin': there is no schedule 'cosin'\n  Did you mean cosine?"),
        ("cosine(power=2)", "'cosine(power=2)': power is no option of cosine\n  It belongs to polynomial."),
        ("linear(start='a')", "linear(start='a'): expected a number"),
        ("linear(start=True)", "linear(start=True): expected a number"),
        ("linear(length=2.5)", "linear(length=2.5): expected an integer"),
        ("multi_step(milestones=(2, 'a'))", "multi_step(milestones='a'): expected an integer"),
        ("step(unit='hour')", "step(unit='hour') is none of 'step', 'epoch'"),
        ("step(unit=1)", "step(unit=1) is none of 'step', 'epoch'"),
        ("step(factor=0)", "step(factor=0.0) is out of range\n  Give a finite number above 0."),
        ("linear(end=1e999)", "linear(end=inf) is out of range"),
        ("step(scale_lr='linear')", "scale_lr is no option of a member\n  Give it to the whole, if to any."),
        ("step(reference_batch=3)", "reference_batch is no option of a member"),
        ("step(name='cosine')", "name is no option of a member"),
        ("chained(schedules=('cosin',))", "--schedule.schedules 'cosin': there is no schedule 'cosin'"),
        (
            "sequential(milestones=(2, 1))",
            "sequential(milestones=(2, 1)) is out of range\n  Give times above 0 in rising",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"^--schedule.schedules [\s\S]*{re.escape(message)}") as caught:
        parse([text])
    assert "\n" not in caught.value.one_line


@pytest.mark.parametrize("kind", [Schedule, Optim, Inputs, Augment, Loss], ids=lambda kind: kind.kind)
def test_what_is_written_is_read_again(kind: type[Part]) -> None:
    for name in kind.parts:
        part = kind(name=name)
        assert part_calls.parse(kind, [part_calls.written(part)], "here", "") == [part]
    changed = Inputs(name="whiten", components=3, epsilon=1e-9, zca=True)
    assert part_calls.parse(Inputs, [part_calls.written(changed)], "here", "") == [changed]


def test_words_without_quotes_are_the_texts_that_they_say() -> None:
    (bare,) = part_calls.parse(Initializer, ["he_normal(mode=fan_out)"], "here", "")
    assert bare == Initializer(name="he_normal", mode="fan_out")
    assert type(bare.mode) is str  # type: ignore[attr-defined]
    assert part_calls.written(bare) == "he_normal(mode='fan_out', slope=0.0)"


def test_what_has_no_options_has_no_argument_to_name() -> None:
    with pytest.raises(UsageError, match=r"zeros takes its options by name\n  It has none\."):
        part_calls.parse(Initializer, ["zeros(1)"], "here", "")
