"""Options under their former names, accepted for one release: each use prints a note of the new name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from ddtrain.errors import UsageError
from ddtrain.optim import Optim
from ddtrain.optim.schedules import Schedule
from ddtrain.parts import Part
from ddtrain.trainer.config import tables

S = TypeVar("S")

RENAMED = {  # former name -> present name; the section ``run`` once had all these options
    "run.debug": "debug.nans",
    "run.check_gradients_every": "debug.check_gradients_every",
    "run.trace": "debug.trace",
    "run.eval_every": "eval.every",
    "run.patience": "eval.patience",
    "run.checkpoint_every": "checkpoint.every",
    "run.keep": "checkpoint.keep",
    "run.nonfinite": "nonfinite.action",
    "run.max_skips": "nonfinite.max_skips",
}
OF_RECIPES = {"model.loss": "loss.name"}  # the same of options that recipes have: of digits_svm
FLAGS = {tables.option(old): tables.option(new) for old, new in (RENAMED | OF_RECIPES).items()} | {
    "--run.no-debug": "--debug.no-nans",
}
_KINDS: dict[str, type[Part]] = {"optim": Optim, "schedule": Schedule}
_OF_ALL_PARTS = {  # these sections once held the options of all optimizers, or all schedules, at once
    "optim": {"name", "lr", "momentum", "nesterov", "weight_decay", "beta1", "beta2", "eps"},
    "schedule": {"name", "warmup_steps", "decay_every", "factor", "min_lr", "patience"},
}


def in_options(args: Sequence[str], known: Collection[str]) -> tuple[list[str], list[str]]:
    """Command-line options with former names replaced, and a note of each.

    Parameters
    ----------
    args : as they stand on the command line
    known : the configuration's options; if it has an option of a former name itself, that one is meant

    Raises
    ------
    UsageError : one option is given under both names

    >>> in_options(["--run.keep=5", "--optim.lr", "0.1"], ["--checkpoint.keep", "--optim.lr"])
    (['--checkpoint.keep=5', '--optim.lr', '0.1'], ['--run.keep is --checkpoint.keep now'])
    """
    given = {arg.partition("=")[0].replace("_", "-") for arg in args if arg.startswith("--")}
    current, notes = [], []
    for arg in args:
        name, equals, value = arg.partition("=")
        old = name.replace("_", "-")
        if old not in FLAGS or old in known or FLAGS[old] not in known:
            current.append(arg)
            continue
        if FLAGS[old] in given:
            raise both(old, FLAGS[old])
        current.append(FLAGS[old] + equals + value)
        notes.append(f"{old} is {FLAGS[old]} now")
    return current, list(dict.fromkeys(notes))


def in_table(table: Mapping[str, Any], known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """A configuration file's table with former names replaced, and a note of each.

    Parameters
    ----------
    table : by section
    known : the configuration's values by dotted name

    Raises
    ------
    UsageError : one value is given under both names

    >>> in_table({"run": {"seed": 1, "keep": 5}}, ["run.seed", "checkpoint.keep"])
    ({'run': {'seed': 1}, 'checkpoint': {'keep': 5}}, ['run.keep is checkpoint.keep now'])
    """
    current = {name: dict(section) if isinstance(section, Mapping) else section for name, section in table.items()}
    notes = []
    for old, new in (RENAMED | OF_RECIPES).items():
        (section, key), (target, name) = old.split("."), new.split(".")
        holder = current.get(section)
        if not isinstance(holder, dict) or key not in holder or old in known or new not in known:
            continue
        place = current.setdefault(target, {})
        if not isinstance(place, dict):  # a wrong value, which is reported where the table is read
            continue
        if name in place:
            raise both(old, new)
        place[name] = holder.pop(key)
        notes.append(f"{old} is {new} now")
    for section, of_all in _OF_ALL_PARTS.items():
        holder = current.get(section)
        if isinstance(holder, dict) and of_all <= holder.keys() and holder["name"] in _KINDS[section].parts:
            own = _KINDS[section].named(holder["name"]).options()
            current[section] = {key: value for key, value in holder.items() if key in own}
    return current, notes


def accepts_former_fields(section: str) -> Callable[[type[S]], type[S]]:
    """A class decorator: a section of the configuration that still takes the fields which have left it.

    ``Run(patience=2)`` keeps such fields aside as ``_former``, and ``Config`` moves them to their new sections.
    """

    def decorate(cls: type[S]) -> type[S]:
        init = cls.__init__

        def take(self: S, *args: Any, **fields: Any) -> None:
            former = {key: fields.pop(key) for key in [*fields] if f"{section}.{key}" in RENAMED}
            init(self, *args, **fields)
            object.__setattr__(self, "_former", former)

        setattr(cls, "__init__", functools.wraps(init)(take))  # noqa: B010  as an assignment, mypy refuses it
        return cls

    return decorate


def both(old: str, new: str) -> UsageError:
    """The error for one option under two names."""
    return UsageError(f"{old} and {new} are one option under its former and its present name", remedy=f"Give {new}.")
