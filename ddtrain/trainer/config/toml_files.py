"""TOML as configuration files hold it: read by the standard library's ``tomllib``, written by the few lines below."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddtrain.errors import UsageError, quoted


def at_home(path: str) -> str:
    """A path that begins with ``~``, which shells leave as it is in ``--option=~/path``, in the home directory.

    Raises
    ------
    UsageError : the user is unknown, or has no home directory
    """
    whole = os.path.expanduser(path)
    if whole.startswith("~"):
        raise UsageError(
            f"{quoted(path, plain=True)}: there is no such home directory", remedy="Write ./~ for a file of that name."
        )
    return whole


def read_toml(path: str, source: str = "") -> dict[str, Any]:
    """The table in a TOML file; any error of the file is a UsageError that names it, or its ``source``."""
    source = quoted(source or path, plain=True)
    try:
        # Editors on Windows put a mark in front of UTF-8, which this encoding leaves out.
        return tomllib.loads(Path(at_home(path)).read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{source} is not valid TOML: it is nested too deeply") from None
    except ValueError as error:  # not TOML, not UTF-8, or a path with a null character
        raise UsageError(f"{source} is not valid TOML: {quoted(str(error), plain=True)}") from None


def to_toml(table: Mapping[str, Any], path: str = "") -> str:
    """TOML text of a nested table of booleans, numbers, strings and lists.

    >>> print(to_toml({"recipe": "mlp", "optim": {"lr": 0.1, "name": "sgd"}}))
    recipe = "mlp"
    <BLANKLINE>
    [optim]
    lr = 0.1
    name = "sgd"
    <BLANKLINE>
    """
    values = [f"{key} = {_toml_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    text = "".join(line + "\n" for line in ([f"[{path}]"] if path and values else []) + values)
    for key, value in table.items():
        if isinstance(value, Mapping):
            section = to_toml(value, f"{path}.{key}" if path else key)
            text += ("\n" if text and section else "") + section
    return text


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # JSON's escapes are TOML's, but TOML also wants DEL escaped and no surrogate pairs
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    return repr(value)
