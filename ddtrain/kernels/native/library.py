"""One family's compiled functions, loaded on first use.

Functions take pointers, ``int64_t`` and ``double``, nothing else, so that every call looks alike, from Python by ctypes
and from generated C by their addresses.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.errors import UsageError, quoted
from ddtrain.kernels import capture
from ddtrain.kernels.native import blas, cache, compiler
from ddtrain.kernels.native.pointers import address
from ddtrain.kernels.native.twins import Twin, check

SOURCES = Path(__file__).parent / "sources"
_LAYOUTS = str(Path(__file__).parent / "layouts.py")
LIBRARIES: dict[str, Library] = {}  # by family
_KINDS: dict[str, Any] = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "d": ctypes.c_double}


class Function:
    """A compiled function. Called with arrays where it takes pointers, None for a null pointer, and numbers.

    A number may also be an array without axes, as a trace makes of it.

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
        pairs = zip(args, self.kinds)
        self._call(*[a if type(a) is not np.ndarray else address(a) if k == "p" else a.item() for a, k in pairs])
        if capture.watched and (heard := capture.heard_in_thread()) is not None:
            plain = [a.item() if k != "p" and isinstance(a, np.ndarray) else a for a, k in zip(args, self.kinds)]
            heard.calls.append((self, tuple(plain)))


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
        self._facts: dict[str, dict[str, Any]] = {}
        self._loaded: dict[str, dict[str, Function]] = {}
        self._lock = threading.Lock()
        LIBRARIES[family] = self

    def function(self, name: str, dtype: np.dtype[Any]) -> Function | None:
        """The function of that name for arrays of a dtype; None where there is none, as for bytes in another order."""
        functions = self._loaded.get(dtype.char)
        if functions is None:
            functions = self._load(dtype.char)
        return functions.get(name) if dtype.isnative else None

    def identity(self, char: str) -> str:
        """A digest of all that the compiled library depends on, and what was found out about its twins.

        Raises
        ------
        CompilerError : there is no compiler
        """
        words = (*compiler.command(),)
        parts = [_source(f"{self.family}.c"), _headers(), char, " ".join(words)]
        parts += [compiler.identity(words), compiler.machine(), " ".join(compiler.FLAGS)]
        # the twins' check is kept with the library, and is another when twins, references, NumPy or its BLAS are
        parts += [np.__version__, f"products of a BLAS: {blas.gemm(char) is not None}"]
        functions = [function for twin in self.twins for function in (twin.call, twin.kernel.reference)]
        files = {function.__code__.co_filename for function in functions if hasattr(function, "__code__")}
        parts += [_text(file) for file in sorted({*files, _LAYOUTS})]
        return _digest(parts)

    def in_use(self, char: str) -> str:
        """A digest of what decides the bits that the family computes; empty where the reference does the work."""
        return _digest([self._facts[char]["made_of"], *self.why_lost]) if self._load(char) else ""

    def _load(self, char: str) -> dict[str, Function]:
        with self._lock:
            if char in self._loaded:
                return self._loaded[char]
            found: dict[str, Function] = {}
            if char in "fd" and wanted():
                try:
                    found = self._open(char)
                except (compiler.CompilerError, cache.CacheError) as error:
                    self.why_lost[char] = str(error)
            self._loaded[char] = found
            return found

    def _open(self, char: str) -> dict[str, Function]:
        path, facts = cache.fetch(f"{self.family}-{char}-{self.identity(char)}", lambda made: self._make(made, char))
        self._facts[char] = facts
        for name, why in facts["refused"].items():
            self.why_lost[f"{char} {name}"] = why
        functions = self._bind(path)
        refused = {use for twin in self.twins if twin.name in facts["refused"] for use in twin.functions}
        return {name: function for name, function in functions.items() if name not in refused}

    def _bind(self, path: Path) -> dict[str, Function]:
        try:
            loaded = ctypes.CDLL(str(path))
        except OSError as error:
            raise compiler.CompilerError(f"what the compiler made cannot be loaded: {error}") from None
        return {name: Function(loaded, name, kinds) for name, kinds in self._declared.items()}

    def _make(self, path: Path, char: str) -> dict[str, Any]:
        """Compile the family, and check its twins; which were refused, and why."""
        source = SOURCES / f"{self.family}.c"
        compiler.compile_library(source, path, SOURCES, [f"REAL_BYTES={np.dtype(char).itemsize}"])
        said = compiler.describe((*compiler.command(),))  # the same on every machine that has the same compiler
        made_of = [source.read_text(), _headers(), char, said, compiler.machine(), " ".join(compiler.FLAGS)]
        self._loaded[char] = self._bind(path)  # the twins that are checked call this library
        try:
            refused = {twin.name: why for twin in self.twins if (why := check(twin, np.dtype(char)))}
            return {"refused": refused, "made_of": _digest(made_of)}
        finally:
            del self._loaded[char]


@functools.cache
def _source(name: str) -> str:
    return (SOURCES / name).read_text()


@functools.cache
def _text(file: str) -> str:
    return Path(file).read_text()


@functools.cache
def _headers() -> str:
    return "\0".join(path.read_text() for path in sorted(SOURCES.glob("*.h")))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def wanted() -> bool:
    """Whether compiled kernels are asked for, by ``$DDTRAIN_KERNELS``: ``native``, as without it, or ``reference``.

    Raises
    ------
    UsageError : it is neither
    """
    asked = os.environ.get("DDTRAIN_KERNELS") or "native"
    if asked not in ("native", "reference"):
        raise UsageError(f"DDTRAIN_KERNELS is {quoted(asked)}", remedy="It may be native or reference.")
    return asked == "native"


def prepare(dtype: DTypeLike) -> None:
    """Load all families in a dtype, compiling those that are missing, two at a time, the longest first.

    Raises
    ------
    UsageError : ``$DDTRAIN_KERNELS`` is neither ``native`` nor ``reference``
    """
    wanted()
    by_length = sorted(LIBRARIES.values(), key=lambda library: -len(_source(f"{library.family}.c")))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda library: library._load(np.dtype(dtype).char), by_length))


def in_use(dtype: DTypeLike) -> str:
    """Which kernels compute in a dtype: "reference", or a digest of the compiled ones; see :func:`prepare`.

    Where it is the same, the same call of a kernel gives the same bits.
    """
    digests = [f"{name} {library.in_use(np.dtype(dtype).char)}" for name, library in sorted(LIBRARIES.items())]
    return _digest(digests)[:16] if any(digest[-1] != " " for digest in digests) else "reference"


def lost() -> list[str]:
    """A line for each reason why compiled kernels could not be had so far, with the families, or twins of one."""
    families: dict[str, list[str]] = {}
    for library in LIBRARIES.values():
        for why in library.why_lost.values():
            families.setdefault(why, []).append(library.family)
    all_families = set(LIBRARIES) if len(LIBRARIES) > 1 else set()
    return [
        f"{'all families' if set(names) == all_families else ', '.join(dict.fromkeys(names))}: {why}"
        for why, names in families.items()
    ]
