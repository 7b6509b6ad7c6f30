"""One family's compiled functions, loaded on first use.

Functions take pointers, ``int64_t`` and ``double``, nothing else, so that every call looks alike, from Python by ctypes
and from generated C by their addresses.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.kernels import capture
from ddtrain.kernels.native import cache, compiler
from ddtrain.kernels.native.pointers import address
from ddtrain.kernels.native.twins import Twin, check

SOURCES = Path(__file__).parent / "sources"
LIBRARIES: dict[str, Library] = {}  # by family
_KINDS: dict[str, Any] = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "d": ctypes.c_double}


class Function:
    """A compiled function. Called with arrays where it takes pointers, None for a null pointer, and numbers.

    Arrays must have the layout and dtype that the function expects: whoever calls checks.

    Attributes
    ----------
    name, address : of the function, for generated C that calls it
    kinds : a letter an argument: p pointer, n int64_t, d double
    """

    __slots__ = ("_call", "address", "kinds", "name")

    def __init__(self, loaded: ctypes.CDLL, name: str, kinds: str) -> None:
        self.name, self.kinds = name, kinds
        self._call = loaded[name]
        self._call.argtypes, self._call.restype = [_KINDS[k] for k in kinds], None
        self.address = ctypes.cast(self._call, ctypes.c_void_p).value

    def __call__(self, *args: Any) -> None:
        self._call(*[address(a) if type(a) is np.ndarray else a for a in args])
        if capture.watched and (heard := capture.heard_in_thread()) is not None:
            heard.calls.append((self, args))


class Library:
    """A family of compiled functions, ``sources/FAMILY.c``, in float32 and in float64.

    Parameters
    ----------
    functions : for each function, a letter an argument: p pointer, n int64_t, d double

    Attributes
    ----------
    twins : what it is used for; checked against their references when it is compiled
    why_lost : why the family has no compiled functions in a dtype, by the dtype's letter
    """

    def __init__(self, family: str, functions: Mapping[str, str]) -> None:
        self.family, self._declared = family, functions
        self.twins: list[Twin] = []
        self.why_lost: dict[str, str] = {}
        self._loaded: dict[str, dict[str, Function]] = {}
        self._lock = threading.Lock()
        LIBRARIES[family] = self

    def function(self, name: str, dtype: np.dtype[Any]) -> Function | None:
        """The function of that name for arrays of a dtype; None where there is none."""
        functions = self._loaded.get(dtype.char)
        if functions is None:
            functions = self._load(dtype.char)
        return functions.get(name)

    def identity(self, char: str) -> str:
        """A digest of all that the compiled library depends on.

        Raises
        ------
        CompilerError : there is no compiler
        """
        words = (*compiler.command(),)
        headers = sorted(SOURCES.glob("*.h"))
        parts = [path.read_text() for path in (SOURCES / f"{self.family}.c", *headers)]
        parts += [compiler.identity(words), compiler.machine(), " ".join(compiler.FLAGS), " ".join(words), char]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _load(self, char: str) -> dict[str, Function]:
        with self._lock:
            if char in self._loaded:
                return self._loaded[char]
            found: dict[str, Function] = {}
            if char in "fd" and os.environ.get("DDTRAIN_KERNELS", "native") != "reference":
                try:
                    found = self._open(char)
                except (compiler.CompilerError, cache.CacheError, OSError) as error:
                    self.why_lost[char] = str(error)
            self._loaded[char] = found
            return found

    def _open(self, char: str) -> dict[str, Function]:
        path, facts = cache.fetch(f"{self.family}-{char}-{self.identity(char)}", lambda made: self._make(made, char))
        for name, why in facts["refused"].items():
            self.why_lost[f"{char} {name}"] = why
        functions = self._bind(path)
        refused = {use for twin in self.twins if twin.name in facts["refused"] for use in twin.functions}
        return {name: function for name, function in functions.items() if name not in refused}

    def _bind(self, path: Path) -> dict[str, Function]:
        loaded = ctypes.CDLL(str(path))
        return {name: Function(loaded, name, kinds) for name, kinds in self._declared.items()}

    def _make(self, path: Path, char: str) -> dict[str, Any]:
        """Compile the family, and check its twins; which were refused, and why."""
        source = SOURCES / f"{self.family}.c"
        compiler.compile_library(source, path, SOURCES, [f"REAL_BYTES={np.dtype(char).itemsize}"])
        self._loaded[char] = self._bind(path)  # the twins that are checked call this library
        try:
            return {"refused": {twin.name: why for twin in self.twins if (why := check(twin, np.dtype(char)))}}
        finally:
            del self._loaded[char]


def prepare(dtype: DTypeLike) -> None:
    """Load all families in a dtype, compiling those that are missing, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda library: library._load(np.dtype(dtype).char), LIBRARIES.values()))


def lost() -> list[str]:
    """A line for each family, or twin of one, that could not be had so far, with the reason."""
    return [f"{library.family}: {why}" for library in LIBRARIES.values() for why in library.why_lost.values()]
