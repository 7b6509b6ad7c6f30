"""Rules over the paths of parameters: what they say, what is said of those that say nothing, and what is trained."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import Adam, Optim, RmsProp, Sgd
from ddtrain.optim.groups import Group, Segment, assign, segments, within

PATHS = ["words.weight", "0.weight", "0.bias", "norm.weight", "norm.bias"]


def of(*rules: str, formula: Optim | None = None) -> dict[str, Group]:
    formula = formula or Sgd(lr=0.5, weight_decay=0.1)
    return assign(formula.named(formula.name)(**{**vars(formula), "groups": rules}), PATHS)


def test_rules_add_up_and_the_later_one_counts() -> None:
    found = of("*.bias, norm*: weight_decay=0", "0.*: lr=0.1x; 0.bias: lr=0.25, weight-decay=0.2; words.*: frozen")
    assert {path: (group.formula.weight_decay, group.lr_factor, group.frozen) for path, group in found.items()} == {  # type: ignore[attr-defined]
        "words.weight": (0.1, 1.0, True),
        "0.weight": (0.1, 0.1, False),
        "0.bias": (0.2, 0.5, False),
        "norm.weight": (0.0, 1.0, False),
        "norm.bias": (0.0, 1.0, False),
    }


def test_what_is_frozen_can_be_thawed_by_a_later_rule() -> None:
    assert [path for path, group in of("*: frozen; norm.*: frozen=false").items() if not group.frozen] == [
        "norm.weight",
        "norm.bias",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("norm.bais: frozen", "'norm.bais' matches no parameter\n  The nearest is norm.bias."),
        ("*.bias weight_decay=0", "'*.bias weight_decay=0' is no rule"),
        ("*.bias:", "'*.bias:' is no rule"),
        (": lr=1x", "': lr=1x' is no rule"),
        ("", "'' is no rule"),
        ("*: lr=-1x", "lr cannot be '-1x'\n  Give a rate, 0 or more"),
        ("*: lr=nan", "lr cannot be 'nan'"),
        ("*: lr=fast", "lr cannot be 'fast'"),
        ("*: weight_decay=-1", "weight_decay cannot be '-1'\n  Give a finite number, 0 or more."),
        ("*: weight_decay=inf", "weight_decay cannot be 'inf'"),
        ("*: nesterov=True", "'*: nesterov=True': nesterov cannot differ by group\n  Only numbers can"),
        ("*: momentum=0", "momentum cannot be '0'\n  Give one that leaves the optimizer's state vectors"),
        ("*: momentum=1.5", "momentum cannot be '1.5'"),
        ("*: rho=0.9", "--optim.groups '*: rho=0.9': rho is no option of sgd\n  It belongs to"),
        (
            "*.bias: weight_decy=0",
            "--optim.groups '*.bias: weight_decy=0': weight_decy is no option of sgd\n  Did you mean weight_decay?",
        ),
        ("*: froze", "'*: froze': froze is no option of sgd\n  Did you mean frozen?"),
        ("*: xyzzy=0", "xyzzy is no option of sgd\n  It has lr, "),
        ("*: groups=0", "'*: groups=0': a rule has no rules of its own"),
        ("*: name=adam", "--optim.groups '*: name=adam': all groups have one optimizer"),
        ("*: frozen=maybe", "frozen cannot be 'maybe'"),
        ("*: frozen", "freezes every parameter, and leaves nothing to train"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(rule: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        of(rule)
    assert said in str(caught.value)


def test_a_rate_of_its_own_beside_a_rate_of_zero_is_no_factor() -> None:
    with pytest.raises(UsageError, match=r"lr cannot be '0.1'"):
        of("*: lr=0.1", formula=Sgd(lr=0.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("formula", [Sgd(lr=0.1, weight_decay=0.2), Adam(lr=0.1), RmsProp(lr=0.1)])
def test_a_group_is_updated_as_by_an_optimizer_of_its_own(formula: Optim, dtype: type) -> None:
    """Whatever spans a rank takes care of, and however groups lie across them."""
    rng = np.random.default_rng(0)
    groups = [Group(formula), Group(formula.named(formula.name)(lr=0.1, weight_decay=0.0), lr_factor=0.5)]
    spans = [slice(0, 3), slice(3, 7), slice(7, 12)]
    pieces = segments([groups[0], groups[1], groups[0]], spans)
    together = optim.make(formula, 12, dtype, pieces=pieces)
    apart = [optim.make(group.formula, 12, dtype) for group in groups]
    values = rng.standard_normal(12).astype(dtype)
    expected = values.copy()
    for _ in range(3):
        gradient = rng.standard_normal(12).astype(dtype)
        together.apply(values, gradient, lr=0.1, scale=0.7, spans=[slice(0, 5), slice(5, 6), slice(6, 12)])
        apart[0].apply(expected, gradient, lr=0.1, scale=0.7, spans=[spans[0], spans[2]])
        apart[1].apply(expected, gradient, lr=0.1 * 0.5, scale=0.7, spans=[spans[1]])
    assert values.tobytes() == expected.tobytes()


def test_neighbours_in_one_group_are_one_piece_and_empty_parameters_none() -> None:
    one, other = Group(Sgd()), Group(Sgd(), frozen=True)
    spans = [slice(6, 9), slice(6, 6), slice(2, 6), slice(0, 2)]
    assert segments([one, other, one, other], spans) == [Segment(slice(0, 2), other), Segment(slice(2, 9), one)]
    assert within(slice(1, 3), segments([one, other, one, other], spans)) == [
        Segment(slice(1, 2), other),
        Segment(slice(2, 3), one),
    ]


def test_rules_of_a_task_lie_under_those_of_the_command_line() -> None:
    formula = Sgd(lr=0.5, weight_decay=0.1, groups=("norm.bias: weight_decay=0.3; *.bias: lr=0.5x",))
    found = assign(formula, PATHS, of_task=["*.bias: weight_decay=0", "norm.*: lr=0.1x"])
    assert {path: (group.formula.weight_decay, group.lr_factor) for path, group in found.items()} == {  # type: ignore[attr-defined]
        "words.weight": (0.1, 1.0),
        "0.weight": (0.1, 1.0),
        "0.bias": (0.0, 0.5),
        "norm.weight": (0.1, 0.1),
        "norm.bias": (0.3, 0.5),
    }


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("norm.bais: frozen", "Task: groups: 'norm.bais' matches no parameter"),
        ("*.bias", "Task: groups: '*.bias' is no rule"),
        ("*: weight_decy=0", "Task: groups '*: weight_decy=0': weight_decy is no option of sgd"),
        ("*: weight_decay=-1", "Task: groups '*: weight_decay=-1': weight_decay cannot be '-1'"),
        ("*: frozen", "Task: groups freezes every parameter"),
    ],
)
def test_errors_of_a_tasks_rules_name_the_task(rule: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(said)}"):
        assign(Sgd(), PATHS, of_task=[rule])
