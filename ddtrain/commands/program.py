"""What the running program is called: by ``ddtrain VERB``, by ``python -m``, or by a script of the user's."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> tuple[str, str]:
    """The program's name, and the words that start it: by its file, or by ``python -m`` and its module."""
    path, spec = Path(sys.argv[0]), sys.modules["__main__"].__spec__
    if spec is not None and spec.origin and Path(spec.origin) == path:
        module = spec.name.removesuffix(".__main__")
        return module.rpartition(".")[2], f"python -m {module}"
    name = path.parent.name if path.stem == "__main__" else path.stem
    return (name, "") if name.strip("-") and name != "-c" else ("custom", "python")


def called(verb: str) -> str:
    """The words that do a verb, for its help: of the program that was started, or else ``ddtrain VERB``.

    >>> given, sys.argv = sys.argv, ["mine.py", "eval", "--help"]
    >>> called("eval")
    'python mine.py eval'
    >>> sys.argv = given
    """
    name, words = program()
    if words.startswith("python -m ddtrain."):  # python -m ddtrain.eval
        return words
    if words and words != "python":
        return f"{words} {verb}"
    return f"python {name}.py {verb}" if sys.argv[0].endswith(".py") else f"ddtrain {verb}"
