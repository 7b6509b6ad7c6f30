"""What a function may read besides its arguments, and whether any of it has changed.

Note [Surroundings of a plan]
A plan repeats operations and runs none of the function's Python. So whatever that Python keeps from call to call (a
counter, a list that grows, an array that it adds to, a generator of random numbers) would stand still, without a trace
in the program until it matters; and what a callback sets from outside would not be seen. Both are looked for where
Python code can find them: closures, defaults, the globals and attributes that its code names, attributes of modules,
and what these hold. Not looked into are the standard library, installed packages, and iterators that do not tell where
they are.
"""

from __future__ import annotations

import collections
import itertools
import operator
import random
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np

_OURS = {"builtins", "ddtrain", "numpy", "scipy", "mpi4py", *sys.stdlib_module_names}
_LARGE = 1 << 24  # bytes of an array beyond which a sample of its rows must do
_MOST = 10_000  # objects that are looked into


class Surroundings:
    """What some functions and modules can read, as it is now.

    Parameters
    ----------
    roots : functions and modules, by the names that messages give them

    >>> kept = [1.0]
    >>> before = Surroundings({"kept": kept})
    >>> before.moved()
    ''
    >>> kept[0] = 2.0
    >>> before.moved()
    'kept[0] was 1.0 and is 2.0'
    """

    def __init__(self, roots: Mapping[str, Any]) -> None:
        self._roots = roots
        self._holders: list[tuple[str, str, Any, Any]] = []  # path, form of an entry's, a list or dict, a copy of it
        self._readings: list[tuple[list[str], Callable[[], tuple[Any, ...]], tuple[Any, ...]]] = []
        self._contents: dict[str, Any] = {}  # of what changes without becoming another object
        self._names: set[str] = set()  # that code reads, of globals and attributes
        self._seen: dict[int, Any] = {}
        for name, root in roots.items():
            self._look(name, root)
        if "random" in self._names:
            self._contents["the state of Python's random numbers"] = random.getstate()
            self._contents["the state of numpy.random"] = repr(np.random.get_state())

    def moved(self) -> str:
        """What is another object than it was, in a line; empty if nothing is. It takes a microsecond a module."""
        for path, form, holder, saved in self._holders:
            if not _equal(holder, saved):
                return _difference(path, form, saved, holder)
        for names, read, values in self._readings:
            if not _equal(now := _tried(read), values):
                return _difference(names[0], "", dict(zip(names, values, strict=True)), dict(zip(names, now)))
        return ""

    def changed(self) -> str:
        """The same of contents, too: entries of arrays, and states of generators of random numbers."""
        if moved := self.moved():
            return moved
        now = Surroundings(self._roots)._contents
        return next((f"{path} has changed" for path, mark in self._contents.items() if now.get(path) != mark), "")

    def _look(self, path: str, value: Any) -> None:
        """Note what a value holds, and look into that."""
        if id(value) in self._seen or value is None or isinstance(value, (str, bytes, int, float, complex)):
            return
        if len(self._seen) >= _MOST:
            return
        self._seen[id(value)] = value
        if (mark := _content(value)) is not None:
            self._contents[path] = mark
        elif isinstance(value, (list, dict, set, collections.deque)):
            self._hold(path, value)
        elif isinstance(value, tuple):
            self._look_all(path, enumerate(value), "[{}]")
        elif isinstance(value, FunctionType):
            self._look_into_function(path, value)
        elif isinstance(value, MethodType):
            self._look(path, value.__func__)
            self._look(path, value.__self__)
        elif isinstance(value, partial):
            self._look_all(path, [("func", value.func), ("args", value.args), ("keywords", value.keywords)], ".{}")
        elif isinstance(value, (type, ModuleType)):
            if not _is_installed(value.__module__ if isinstance(value, type) else value.__name__):
                self._read(path, vars(value), ".{}")
        elif hasattr(value, "__dict__"):
            self._look_into_object(path, value)

    def _hold(self, path: str, holder: Any) -> None:
        """Note a list or dict."""
        saved = holder.copy()
        self._holders.append((path, "[{!r}]", holder, saved))
        if not isinstance(holder, set):
            self._look_all(path, saved.items() if isinstance(saved, dict) else enumerate(saved), "[{!r}]")

    def _look_all(self, path: str, items: Any, form: str) -> None:
        for key, value in items:
            self._look(path + form.format(key), value)

    def _look_into_function(self, path: str, function: FunctionType) -> None:
        if _is_installed(function.__module__ or ""):
            return
        self._names.update(_names(function.__code__))
        if cells := {name: cell for name, cell in _cells(function) if _filled(cell)}:
            read = partial(_read_cells, [*cells.values()])
            paths = [f"{path}, {name}" for name in cells]
            self._readings.append((paths, read, read()))
            self._look_all("", zip(paths, read(), strict=True), "{}")
        self._look_all(path, enumerate(function.__defaults__ or ()), ", default {}")
        self._read(path, function.__globals__, ", {}")

    def _look_into_object(self, path: str, value: Any) -> None:
        """Attributes: all of a model's, else those that code names."""
        kinds = [kind for kind in type(value).__mro__ if not _is_installed(kind.__module__)]
        for kind in kinds:
            methods = [(name, each) for name, each in vars(kind).items() if callable(each) and name != "__init__"]
            self._look_all(path, methods, ".{}")
            self._look(path, kind)
        if hasattr(value, "forward"):
            attributes = vars(value)
            self._holders.append((path, ".{}", attributes, dict(attributes)))
            self._look_all(path, list(attributes.items()), ".{}")
        elif kinds:
            self._read(path, vars(value), ".{}")

    def _read(self, path: str, space: Mapping[str, Any], form: str) -> None:
        """Note what code names of a name space."""
        if names := sorted(name for name in self._names if name in space):
            get = operator.itemgetter(*names) if len(names) > 1 else lambda space: (space[names[0]],)
            self._readings.append(([path + form.format(name) for name in names], partial(get, space), get(space)))
            self._look_all(path, zip(names, get(space), strict=True), form)


def _content(value: Any) -> Any:
    """A digest of what changes within an object; None for objects that are no arrays or generators."""
    if isinstance(value, np.ndarray):
        rows = value[:: value.nbytes // _LARGE + 1] if value.ndim else value
        return value.shape, None if value.dtype.hasobject else zlib.crc32(rows.tobytes())
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, itertools.count):
        return repr(value)
    if isinstance(value, GeneratorType) and value.gi_frame is not None:
        return value.gi_frame.f_lasti, repr(value.gi_frame.f_locals)
    if isinstance(value, Iterator) and hasattr(value, "__length_hint__"):
        return operator.length_hint(value)
    return None


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


def _read_cells(cells: list[Any]) -> tuple[Any, ...]:
    return tuple([cell.cell_contents for cell in cells])


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 -- it raises where there is none yet
    except ValueError:
        return False
    return True


@cache
def _names(code: CodeType) -> frozenset[str]:
    """The globals and attributes that code names, with that of functions within it."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)


@cache
def _is_installed(module: str) -> bool:
    """Whether a module is no code of the user's own."""
    root = module.partition(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root in _OURS or "site-packages" in file


def _tried(read: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    try:
        return read()
    except (KeyError, ValueError):  # a global, or the content of a cell, is gone
        return ()


def _equal(one: Any, other: Any) -> bool:
    """Whether two are equal, entry by entry; arrays are where they are the same object."""
    try:
        return bool(one == other)
    except Exception:  # an array in the place of another has no truth
        return False


def _difference(path: str, form: str, before: Any, now: Any) -> str:
    """Where two lists or dicts differ; ``form`` makes a key a part of the path, and is empty where it is one itself."""
    if isinstance(before, (list, collections.deque)) and len(before) == len(now):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, dict) and before.keys() == now.keys():
        for key, value in before.items():
            if value is not now[key] and not _equal(value, now[key]):
                return _told(path + form.format(key) if form else key, value, now[key])
    return f"{path} has other entries than before"


def _told(name: str, before: Any, now: Any) -> str:
    texts = repr(before), repr(now)
    if isinstance(before, np.ndarray) or max(map(len, texts)) > 40:
        return f"{name} is another {type(now).__name__} than it was"
    return f"{name} was {texts[0]} and is {texts[1]}"
