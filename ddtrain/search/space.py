"""A search's space: which options are searched and what they may be, from a TOML file, checked against the recipe's.

    [optim]
    lr = { log_uniform = [1e-4, 1.0] }
    momentum = { uniform = [0.0, 0.99] }

    [model]
    hidden = { choices = [32, 64, 128] }

Where the name of a part is searched (``optim.name``), options that only some of the parts have count where they have
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from ddtrain import rng
from ddtrain.errors import UsageError, quoted
from ddtrain.search.ranges import Choices, Dimension, Range
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import tables, toml_files
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.validation import validate

KINDS = ("log_uniform", "uniform", "choices")
# What trials have in common, so that they can be compared: the samples that judge them, their length, their place.
_IN_COMMON = ("run", "comm", "eval", "checkpoint", "log", "debug", "data.root", "data.validation")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Space:
    """The options that are searched, in the order of the file.

    >>> space = Space((Range("optim.lr", 1e-4, 1.0, log=True), Choices("model.hidden", (32, 64))))
    >>> space.draw(seed=0, trial=3) == space.draw(seed=0, trial=3), len(space.grid(points=5))
    (True, 10)
    """

    dimensions: tuple[Dimension, ...]

    def draw(self, seed: int, trial: int) -> dict[str, Any]:
        """The values of a trial: of each option by the seed, its name and the trial's number alone."""
        return {d.key: d.at(float(rng.stream(seed, f"search/{d.key}", trial).random())) for d in self.dimensions}

    def grid(self, points: int) -> list[dict[str, Any]]:
        """All combinations of the choices, and of so many values of each range."""
        keys = [dimension.key for dimension in self.dimensions]
        return [dict(zip(keys, found)) for found in product(*(d.grid(points) for d in self.dimensions))]

    def to_table(self) -> dict[str, Any]:
        """The space as a file has it."""
        table: dict[str, Any] = {}
        for dimension in self.dimensions:
            *sections, name = dimension.key.split(".")
            place = table
            for section in sections:
                place = place.setdefault(section, {})
            place[name] = dimension.table
        return table

    def to_toml(self) -> str:
        """The text of a file.

        >>> print(Space((Range("optim.lr", 1e-4, 1.0, log=True),)).to_toml())
        [optim.lr]
        log_uniform = [0.0001, 1.0]
        <BLANKLINE>
        """
        return toml_files.to_toml(self.to_table())


def read_space(path: str, config: Config, ranks: int = 1) -> Space:
    """The space in a TOML file.

    Parameters
    ----------
    config : the configuration whose options are searched
    ranks : of a trial, which its options must suit

    Raises
    ------
    UsageError : the file cannot be read, an option is not known, or a range is empty or beyond what the option allows
    """
    return make_space(toml_files.read_toml(path, f"--space {path}"), config, ranks, f"--space {path}")


def make_space(table: Mapping[str, Any], config: Config, ranks: int = 1, source: str = "space") -> Space:
    """The space in a table; see :func:`read_space`. A key may be dotted, too: ``{"optim.lr": {...}}``.

    >>> make_space({"optim.lr": {"log_uniform": [1e-4, 1]}}, Config()).dimensions[0].high
    1.0
    >>> make_space({"optim": {"lr": {"log_unifrom": [1e-4, 1]}}}, Config())
    Traceback (most recent call last):
    ddtrain.errors.UsageError: space: optim.lr has an unknown key 'log_unifrom'
      Did you mean log_uniform? Give one of log_uniform, uniform, choices.
    """
    said = dict(_leaves(table, config, source))
    if not said:
        raise UsageError(f"{source}: there is nothing to search", remedy="Give optim.lr = { log_uniform = [1e-4, 1] }.")
    names = {key: each["choices"] for key, each in said.items() if _is_name(key) and _choices_in(each)}
    variants = [config]
    for key, choices in names.items():
        variants += [_checked(source, config, key, name, ranks) for name in choices]
    return Space(tuple(_dimension(key, each, variants, ranks, source) for key, each in said.items()))


def applied(config: Config, values: Values) -> Config:
    """A configuration with a trial's values; those that a chosen part does not have are left out."""
    for key in sorted(values, key=lambda key: not _is_name(key)):  # names first: they decide which options there are
        if _is_name(key) or key in tables.leaves(config):
            *sections, name = key.split(".")
            table: dict[str, Any] = {name: values[key]}
            for section in reversed(sections):
                table = {section: table}
            config = config.updated(table)
    return config


def allows(config: Config, ranks: int) -> Callable[[str, Any], bool]:
    """Whether an option may have a value, everything else being as it is."""

    def allowed(key: str, value: Any) -> bool:
        try:
            validate(applied(config, {key: value}), ranks)
        except UsageError:
            return False
        return True

    return allowed


def _is_name(key: str) -> bool:
    return key.endswith(".name")


def _choices_in(said: Any) -> bool:
    return isinstance(said, Mapping) and isinstance(said.get("choices"), list)


def _leaves(table: Mapping[str, Any], config: Config, source: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """The options that a table speaks of: what stands in a section of the configuration, however it is nested."""
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        name = name.replace("-", "_")
        if _is_section(config, name):
            if not isinstance(value, Mapping):
                raise UsageError(f"{source}: {name} is a section, not an option", remedy=f"Write [{name}].")
            yield from _leaves(value, config, source, name)
        else:
            yield name, value


def _is_section(config: Config, name: str) -> bool:
    try:
        return tables.is_section(tables.lookup(config, name))
    except AttributeError:
        return False


def _dimension(key: str, said: Any, variants: list[Config], ranks: int, source: str) -> Dimension:
    place = f"{source}: {quoted(key, plain=True)}"
    of = next((config for config in variants if key in tables.leaves(config)), None)
    if of is None:
        known = dict.fromkeys(name for config in variants for name in tables.leaves(config))
        raise UsageError(f"{source}: unknown option {quoted(key)}", remedy=did_you_mean(key, known))
    if any(key == common or key.startswith(f"{common}.") for common in _IN_COMMON):
        raise UsageError(f"{place} is not searched: trials that are compared have it in common", remedy="Leave it out.")
    kind = _kind(place, said)
    dimension = _choices(place, key, said[kind]) if kind == "choices" else _range(place, key, kind, said[kind], of)
    ends = dimension.values if isinstance(dimension, Choices) else (dimension.low, dimension.high)
    for value in ends:
        _checked(source, of, key, value, ranks)
    return dimension


def _checked(source: str, config: Config, key: str, value: Any, ranks: int) -> Config:
    """The configuration with a value that it allows."""
    try:
        found = applied(config, {key: value})
        validate(found, ranks)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", remedy=error.remedy) from None
    return found


def _kind(place: str, said: Any) -> str:
    one_of = f"Give one of {', '.join(KINDS)}."
    if not isinstance(said, Mapping) or not said:
        raise UsageError(f"{place} is {quoted(said)}, not a range", remedy=f"{one_of} Such as {{ uniform = [0, 1] }}.")
    for name in said:
        if name not in KINDS:
            raise UsageError(
                f"{place} has an unknown key {quoted(name)}", remedy=f"{did_you_mean(name, KINDS)} {one_of}".lstrip()
            )
    if len(said) > 1:
        raise UsageError(f"{place} has {' and '.join(said)}", remedy=one_of)
    return str(next(iter(said)))


def _choices(place: str, key: str, values: Any) -> Choices:
    if not isinstance(values, list) or not values:
        raise UsageError(f"{place}: choices is {quoted(values)}, an empty range", remedy="Give a list: [32, 64].")
    if any(value in values[:k] for k, value in enumerate(values)):
        raise UsageError(f"{place}: choices {quoted(values)} has a value twice", remedy="Give each once.")
    return Choices(key, tuple(values))


def _range(place: str, key: str, kind: str, ends: Any, config: Config) -> Range:
    now = tables.lookup(config, key)
    if isinstance(now, bool) or not isinstance(now, int | float):
        raise UsageError(f"{place} is {quoted(now)}, not a number", remedy=f"Give choices = [{_example(now)}, ...].")
    whole = isinstance(now, int)
    good = isinstance(ends, list) and len(ends) == 2 and all(type(x) in (int, float) for x in ends)
    if not good or not all(map(math.isfinite, ends)):
        told = f"{place}: {kind} is {quoted(ends)}, not two finite numbers"
        raise UsageError(told, remedy=f"Give {kind} = [low, high].")
    if whole and any(type(x) is not int for x in ends):
        raise UsageError(f"{place}: {quoted(ends)} are not integers", remedy="The option takes integers.")
    low, high = ends if whole else map(float, ends)
    if not low < high:
        raise UsageError(
            f"{place}: the range from {low:g} to {high:g} is empty",
            remedy="Give the lower end first, then a higher.",
        )
    if kind == "log_uniform" and low <= 0:
        raise UsageError(
            f"{place}: the logarithm of {low:g} is not finite", remedy="Give a lower end above 0, or uniform."
        )
    return Range(key, low, high, log=kind == "log_uniform", whole=whole)


def _example(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else quoted(value)
