"""The options of a call, ``fit(task, epochs=5, optim={"lr": 0.1})``: what they set, and how errors name them.

Note [Options in words]
Options are checked where they are used, by code that knows neither command lines nor calls, and names them as command
lines do. A call puts what an error says into its own words on the way out, in this one place: ``--run.dir`` is
``dir=``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ddtrain.callbacks import Callback
from ddtrain.errors import DdtrainError, UsageError, kind_of, quoted
from ddtrain.parts import Part
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import field_types, tables
from ddtrain.trainer.config.config import Config

_SHORT = {  # a call's names for options that most calls give
    "backend": "comm.backend",
    "dir": "run.dir",
    "epochs": "run.epochs",
    "steps": "run.steps",
    "seed": "run.seed",
    "dtype": "run.dtype",
    "resume": "run.resume",
    "batch_size": "data.batch_size",
}
_NAMES = {dotted: name for name, dotted in _SHORT.items()}
# an option as errors name it, with the word behind it, which may be its value
_OPTION = re.compile(r"--([a-z]+(?:\.[a-z0-9-]+)+)(?: ('[^']*'|[\w./+:-]*\w))?")
_OF_TYPES = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, _NAMES))})(?=:)")  # as errors on types name it
_WORDS = {  # values of options that take any text
    "run.resume": ("auto", "never"),
    "comm.backend": ("auto", "local", "mpi", "debug"),
    "log.to": tuple(Callback.parts),
}


def overlaid(caller: str, config: Config, options: Mapping[str, Any]) -> Config:
    """A configuration with the options of a call; ``caller`` is the function, for errors.

    Raises
    ------
    UsageError : an option that there is not, or of another type

    >>> overlaid("fit", Config(), {"epochs": 3, "optim": {"lr": 0.2}}).optim.lr
    0.2
    """
    sections = [name for name, value in vars(config).items() if tables.is_section(value)]
    for option, value in options.items():
        if option in _SHORT:
            section, _, key = _SHORT[option].partition(".")
            value = str(value) if isinstance(value, Path) else value
            config = config.updated({section: {key: value}})
        elif option in sections:
            config = config.updated({option: _table(caller, config, option, value)})
        else:
            hint = _nearest(config, option, sections)
            raise UsageError(f"{caller}: there is no option {quoted(option)}", remedy=hint)
    return config


def _table(caller: str, config: Config, section: str, value: Any) -> Mapping[str, Any]:
    if tables.is_section(value):
        return tables.to_table(value)
    if isinstance(value, Mapping):
        return value
    named = isinstance(getattr(config, section), Part) and isinstance(value, str)
    example = f"{{'name': {value!r}}}" if named else "{...}"
    raise UsageError(
        f"{caller}: {section}={quoted(value)} is no section", remedy=f"Give a dict of options: {section}={example}."
    )


def _nearest(config: Config, option: str, sections: list[str]) -> str:
    within = [section for section in sections if hasattr(getattr(config, section), option)]
    if within:
        return f"Give {' or '.join(_written(f'{section}.{option}', '...') for section in within)}."
    known = [*_SHORT, *sections]
    return f"{did_you_mean(option, known)} There is {', '.join(known)}.".lstrip()


def require_config(caller: str, config: object) -> None:
    """Raise UsageError unless it is a configuration."""
    if not isinstance(config, Config):
        raise UsageError(
            f"{caller}: config is {kind_of(config)} where a ddtrain.Config is wanted",
            remedy=f"Give options by name: {caller}(task, epochs=5, optim={{'lr': 0.1}}).",
        )


@contextmanager
def words_of_calls(config: Config) -> Iterator[None]:
    """Let errors that are raised within name options as calls give them (Note [Options in words]).

    >>> with words_of_calls(Config()):
    ...     raise UsageError("--optim.lr -1.0 is out of range", remedy="Give another --run.dir, or --run.resume auto.")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: optim={'lr': -1.0} is out of range
      Give another dir=, or resume='auto'.
    """
    try:
        yield
    except DdtrainError as error:
        error.message, error.remedy = (_in_words(text, config) for text in (error.message, error.remedy))
        raise


def _in_words(text: str, config: Config) -> str:

    def replaced(match: re.Match[str]) -> str:
        dotted, word = match[1].replace("-", "_"), match[2] or ""
        kind = _kind(config, dotted)
        if _is_value(dotted, kind, word, config):
            return _written(dotted, word if kind in (int, float) or word.startswith("'") else repr(word))
        if dotted in _NAMES and word in ("is", "has"):
            return f"{_NAMES[dotted]} {word}"
        return _written(dotted, "True" if kind is bool else "..." * (dotted not in _NAMES)) + f" {word}".rstrip()

    return _OF_TYPES.sub(lambda match: _NAMES[match[1]], _OPTION.sub(replaced, text))


def _written(dotted: str, value: str) -> str:
    if dotted in _NAMES:
        return f"{_NAMES[dotted]}={value}"
    section, *keys = dotted.split(".")
    for key in reversed(keys):
        value = f"{{'{key}': {value}}}"
    return f"{section}={value}"


def _kind(config: Config, dotted: str) -> Any:
    """The type of an option; None if it is one of a part that the configuration has not."""
    *sections, key = dotted.split(".")
    instance: Any = config
    for section in sections:
        instance = getattr(instance, section, None)
    return field_types.hints(instance).get(key) if tables.is_section(instance) else None


def _is_value(dotted: str, kind: Any, word: str, config: Config) -> bool:
    """Whether a word behind an option is its value, and not how the sentence goes on."""
    if not word or kind in (int, float):
        return bool(re.fullmatch(r"[+-]?(\d[\w.+-]*|inf|nan)", word))
    known = [str(choice) for choice in field_types.choices_of(kind) or _WORDS.get(dotted, ())]
    return word.startswith("'") or word in known or word == str(tables.value_at(config.to_table(), dotted))
