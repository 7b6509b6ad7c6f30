"""Parameter groups: rules over the paths of parameters, for options of their own, such as no decay for biases.

A rule is a text: patterns, a colon, and settings.

    *.bias, *norm*: weight_decay=0        an option of the optimizer, for these parameters
    backbone.*: lr=0.1x                   a tenth of the learning rate; ``lr=0.01`` is a rate of their own
    embedding.*: frozen                   not trained: no gradient, no reduction, no state

Patterns are those of a shell (``fnmatch``). All rules that match a parameter count, and where two of them give the same
setting, the later one does. PyTorch's ``optimizer.param_groups``, with names in place of lists of tensors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from ddtrain.errors import UsageError, quoted
from ddtrain.optim.protocol import Optim

_SPELLED = "Write 'PATTERN, PATTERN: weight_decay=0, lr=0.1x' or 'PATTERN: frozen'."
_OPTION, _OF_TASK = "--optim.groups", "Task: groups"  # where rules come from, for messages
_WHOLE = ("name", "groups")  # what all parameters have in common


@dataclass(frozen=True)
class Group:
    """What some parameters are updated by.

    Attributes
    ----------
    formula : the optimizer with the options of this group
    lr_factor : by which the learning rate of a step is multiplied
    frozen : not updated at all
    """

    formula: Optim
    lr_factor: float = 1.0
    frozen: bool = False


@dataclass(frozen=True)
class _Rule:
    place: str
    text: str
    patterns: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.place} {quoted(self.text)}"

    def matches(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.patterns)


def assign(formula: Optim, paths: Sequence[str], of_task: Sequence[str] = ()) -> dict[str, Group]:
    """The group of each parameter, by its path.

    Parameters
    ----------
    formula : the optimizer, with its rules in ``formula.groups``
    paths : of all parameters that could be trained
    of_task : rules that a task brings; those in ``formula.groups`` come after them, and so count where both match

    Raises
    ------
    UsageError : a rule cannot be read, matches no parameter, or sets an option that the optimizer does not have, or to
        a value that it cannot have; or nothing is left to train

    >>> from ddtrain.optim import Sgd
    >>> sgd = Sgd(weight_decay=0.1, groups=("*.bias: weight_decay=0; 0.*: lr=0.5x",))
    >>> {path: (g.formula.weight_decay, g.lr_factor) for path, g in assign(sgd, ["0.weight", "1.bias"]).items()}
    {'0.weight': (0.1, 0.5), '1.bias': (0.0, 1.0)}
    """
    groups = dict.fromkeys(paths, Group(formula))
    for rule in (*_rules(of_task, _OF_TASK), *_rules(formula.groups, _OPTION)):
        matching = [path for path in paths if rule.matches(path)]
        if not matching:
            raise _matches_nothing(rule, paths)
        made = {group: _with_settings(group, rule, formula) for group in {groups[path] for path in matching}}
        groups |= {path: made[groups[path]] for path in matching}
    if groups and all(group.frozen for group in groups.values()):
        raise UsageError(
            f"{_OPTION if formula.groups else _OF_TASK} freezes every parameter, and leaves nothing to train",
            remedy="Leave a part of the model out of the patterns.",
        )
    return groups


def _rules(texts: Sequence[str], place: str) -> list[_Rule]:
    rules = []
    for text in (part.strip() for given in texts for part in given.split(";")):
        patterns, colon, settings = text.partition(":")
        named = tuple(pattern.strip() for pattern in patterns.split(","))
        pairs = tuple(_setting(setting) for setting in settings.split(","))
        if not colon or not all(named) or not all(key for key, _ in pairs):
            raise UsageError(f"{place}: {quoted(text)} is no rule", remedy=_SPELLED)
        rules.append(_Rule(place, text, named, pairs))
    return rules


def _setting(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip().replace("-", "_"), value.strip()


def _matches_nothing(rule: _Rule, paths: Sequence[str]) -> UsageError:
    likeness = lambda path: max(SequenceMatcher(None, pattern, path).ratio() for pattern in rule.patterns)
    near = f"The nearest is {quoted(max(paths, key=likeness), plain=True)}." if paths else "The model has none."
    return UsageError(f"{rule.place}: {quoted(', '.join(rule.patterns))} matches no parameter", remedy=near)


def _with_settings(group: Group, rule: _Rule, whole: Optim) -> Group:
    """The group with what a rule says."""
    for key, value in rule.settings:
        if key == "frozen":
            if value not in ("", "true", "false"):
                raise _cannot_be(rule, "frozen", value, "true or false, or frozen alone")
            group = dataclasses.replace(group, frozen=value != "false")
        elif key == "lr":
            group = dataclasses.replace(group, lr_factor=_lr_factor(value, rule, whole))
        else:
            group = dataclasses.replace(group, formula=_with_option(group.formula, key, value, rule))
    return group


def _lr_factor(value: str, rule: _Rule, whole: Optim) -> float:
    """What the learning rate is multiplied by: ``0.1x`` says so, and ``0.01`` is a rate beside that of all others."""
    rate = _number(value.removesuffix("x"))
    if rate is None or not isfinite(rate) or rate < 0 or (not value.endswith("x") and whole.lr == 0):
        raise _cannot_be(rule, "lr", value, "a rate, 0 or more, or a factor such as 0.1x")
    return rate if value.endswith("x") else rate / whole.lr


def _with_option(formula: Optim, key: str, value: str, rule: _Rule) -> Optim:
    if key not in formula.options() or key in _WHOLE:
        raise _no_option(rule, key, formula)
    if type(getattr(formula, key)) is not float:
        raise UsageError(f"{rule}: {key} cannot differ by group", remedy="Only numbers can: rates, decays, factors.")
    number = _number(value)
    if number is None or not isfinite(number):
        raise _cannot_be(rule, key, value, "a finite number")
    option: dict[str, Any] = {key: number}
    changed = dataclasses.replace(formula, **option)
    if changed.vectors() != formula.vectors():
        raise _cannot_be(rule, key, value, "one that leaves the optimizer's state vectors as they are")
    for name, ok, allowed in changed.ranges():
        if not ok and name == key:
            raise _cannot_be(rule, key, value, allowed)
    return changed


def _no_option(rule: _Rule, key: str, formula: Optim) -> UsageError:
    if key == "name":
        return UsageError(f"{rule}: all groups have one optimizer", remedy="Leave name out, or give --optim.name.")
    if key == "groups":
        return UsageError(f"{rule}: a rule has no rules of its own", remedy="Write one after another.")
    own = [*(option for option in formula.options() if option not in _WHOLE), "frozen"]
    return UsageError(f"{rule}: {key} is no option of {formula.name}", remedy=formula.whose(key, own))


def _cannot_be(rule: _Rule, key: str, value: str, allowed: str) -> UsageError:
    return UsageError(f"{rule}: {key} cannot be {quoted(value)}", remedy=f"Give {allowed}.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Segment:
    """A run of the flat vector whose parameters are in one group."""

    span: slice
    group: Group


def segments(groups: Sequence[Group], spans: Sequence[slice]) -> list[Segment]:
    """The flat vector cut where the group changes, in as few pieces as possible.

    Parameters
    ----------
    groups, spans : of each parameter; together the spans cover the vector

    >>> from ddtrain.optim import Sgd
    >>> one, other = Group(Sgd()), Group(Sgd(), lr_factor=0.5)
    >>> [s.span for s in segments([one, other, other], [slice(6, 8), slice(2, 6), slice(0, 2)])]
    [slice(0, 6, None), slice(6, 8, None)]
    """
    found: list[Segment] = []
    for group, span in sorted(zip(groups, spans, strict=True), key=lambda pair: (pair[1].start, pair[1].stop)):
        if found and found[-1].group == group:
            found[-1] = Segment(slice(found[-1].span.start, span.stop), group)
        elif span.stop > span.start:
            found.append(Segment(span, group))
    return found


def within(span: slice, pieces: Sequence[Segment]) -> list[Segment]:
    """The parts of a span by segment, counted in the flat vector.

    >>> from ddtrain.optim import Sgd
    >>> [s.span for s in within(slice(1, 7), segments([Group(Sgd())], [slice(0, 8)]))]
    [slice(1, 7, None)]
    """
    cut = [
        Segment(slice(max(span.start, piece.span.start), min(span.stop, piece.span.stop)), piece.group)
        for piece in pieces
    ]
    return [piece for piece in cut if piece.span.stop > piece.span.start]
