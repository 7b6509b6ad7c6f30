"""Compilers that are missing, fail, hang or miscompile: the reference does the work, and the reason is known."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.errors import UsageError
from ddtrain.kernels import native
from ddtrain.kernels.native import blas, compiler, library, twins
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.seam import accelerated

Fake = Callable[[str], Path]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DDTRAIN_KERNELS", raising=False)
    monkeypatch.setattr(compiler, "_hanging", {})


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A shell script that takes the compiler's place."""

    def make(script: str) -> Path:
        path = tmp_path / "fake-cc"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setenv("DDTRAIN_CC", str(path))
        return path

    return make


SOURCE = """
#include "simd.h"
#ifdef WRONG
#define FACTOR 3
#else
#define FACTOR 2
#endif
EXPORT void twice(const real *x, real *y, int64_t n) { FOR_BLOCKS(n, { STORE(y, LOAD(x) * FACTOR); }); }
EXPORT void negated(const real *x, real *y, int64_t n) { FOR_BLOCKS(n, { STORE(y, -LOAD(x)); }); }
"""


def twice(x: np.ndarray) -> np.ndarray:
    return 2 * x


def negated(x: np.ndarray) -> np.ndarray:
    return -x


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """The only family there is, of two kernels, as a process finds it that has just started."""
    sources = tmp_path / "sources"
    shutil.copytree(library.SOURCES, sources)
    (sources / "tried.c").write_text(SOURCE)
    monkeypatch.setattr(library, "SOURCES", sources)
    monkeypatch.setattr(library, "LIBRARIES", {})
    monkeypatch.setattr(twins, "TWINS", [])
    caches = (library._source, library._headers)
    for cached in caches:
        cached.cache_clear()
    made = Library("tried", {"twice": "ppn", "negated": "ppn"})
    for reference in (twice, negated):
        name = reference.__name__
        twins.twin(accelerated(reference), made, name, examples=lambda r: [(r(5),)], ulps=0)(_caller(made, name))
    yield made
    for cached in caches:
        cached.cache_clear()


def _caller(made: Library, name: str) -> Callable[[np.ndarray], Any]:
    def call(x: np.ndarray) -> Any:
        function = made.function(name, x.dtype)
        if function is None:
            return NotImplemented
        y = np.empty_like(x)
        function(x, y, x.size)
        return y

    return call


def results(made: Library) -> list[list[float]]:
    """What the kernels give, whoever computes it."""
    return [twin.kernel(np.array([3.0], np.float32)).tolist() for twin in made.twins]


def lost(made: Library) -> str:
    """Why the family has no compiled functions; kernels give what they should all the same."""
    assert results(made) == [[6.0], [-3.0]]
    assert native.in_use("f") == "reference"
    (line,) = native.lost()
    return line


def test_a_compiler_is_found_and_says_what_it_is() -> None:
    words = tuple(compiler.command())
    assert shutil.which(words[0])
    assert compiler.describe(words)
    assert compiler.identity(words) == compiler.identity(words)


@pytest.mark.parametrize("name", ["gcc", "clang", "cc -O1"])
def test_any_compiler_will_do(name: str, family: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(name.split()[0]) is None:
        pytest.skip(f"no {name} here")
    monkeypatch.setenv("DDTRAIN_CC", name)
    assert family.function("twice", np.dtype("f")) is not None
    assert native.lost() == []
    assert len(native.in_use("f")) == 16


def test_no_compiler(family: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compiler, "_zig", lambda: "")
    assert lost(family) == (
        "tried: there is no C compiler (cc, gcc, clang); pip install 'ddtrain[compiler]' brings one"
    )


def test_zigs_wheel_stands_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compiler, "_zig", lambda: "0.13.0")
    words = compiler.command()
    assert words == [sys.executable, "-m", "ziglang", "cc"]
    compiler.identity.cache_clear()
    assert compiler.identity(tuple(words)) == "-m ziglang cc 0.13.0"
    compiler.identity.cache_clear()


def test_a_compiler_that_is_asked_for_and_not_there(family: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDTRAIN_CC", "no-such-cc -x")
    assert lost(family) == "tried: the compiler 'no-such-cc -x' is not to be found"


def test_a_compiler_that_fails(family: Library, fake: Fake) -> None:
    path = fake('echo "x.c:1: warning: w" >&2; echo "x.c:2:1: error: no such thing" >&2; exit 3')
    assert lost(family) == f"tried: {path} ended with 3: x.c:2:1: error: no such thing"


def test_a_compiler_that_fails_without_a_word(family: Library, fake: Fake) -> None:
    path = fake("exit 1")
    assert lost(family) == f"tried: {path} ended with 1: it does not say why"


def test_a_disk_that_is_full_while_it_compiles(family: Library, fake: Fake) -> None:
    fake('echo "fatal error: error writing to /tmp/x.s: No space left on device" >&2; exit 1')
    assert lost(family).endswith("No space left on device")


def test_a_compiler_that_makes_nothing_that_can_be_loaded(family: Library, fake: Fake) -> None:
    fake('while [ "$1" != -o ]; do shift; done; echo no library > "$2"')
    assert lost(family).startswith("tried: what the compiler made cannot be loaded: ")


def test_a_compiler_that_is_no_program(family: Library, fake: Fake) -> None:
    path = fake("")
    path.write_bytes(b"\x7fELF nonsense")
    assert lost(family) == f"tried: {path} cannot be run: Exec format error"


def test_a_compiler_that_hangs_ends_with_all_that_it_has_started(
    family: Library, fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = fake(f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setattr(compiler, "SECONDS", 0.5)
    assert lost(family) == f"tried: {path} did not end within 0.5 s"
    child = int((tmp_path / "child").read_text())
    for _ in range(100):  # it is another's to be waited for, and may be there for a moment
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True).stdout
        if not state.strip() or state.startswith("Z"):
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("what the compiler had started goes on")


def test_one_wait_for_a_compiler_that_hangs_is_enough(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake("sleep 1000")
    monkeypatch.setattr(compiler, "SECONDS", 0.2)
    with pytest.raises(compiler.CompilerError, match="did not end within"):
        compiler.compile_library(Path("a.c"), Path("a.so"), Path(), ())
    monkeypatch.setattr(compiler, "SECONDS", 1000.0)
    with pytest.raises(compiler.CompilerError, match=rf"^{path} did not end within 0.2 s$"):
        compiler.compile_library(Path("b.c"), Path("b.so"), Path(), ())


@needs_gcc
def test_a_compiler_that_miscompiles_is_found_out_and_so_is_what_it_has_left(family: Library, fake: Fake) -> None:
    fake('exec gcc -DWRONG "$@"')
    for _ in range(2):  # made; then loaded, as by a process that starts later
        assert results(family) == [[6.0], [-3.0]]
        assert family.function("twice", np.dtype("f")) is None
        assert family.function("negated", np.dtype("f")) is not None
        (line,) = native.lost()
        assert line.startswith("tried: ")
        assert "from its reference in example 0" in line
        family._loaded.clear()
        family.why_lost.clear()


@needs_gcc
def test_kernels_are_told_apart_by_what_they_compute(family: Library, fake: Fake) -> None:
    fake('exec gcc "$@"')
    right = native.in_use("f")
    assert right == native.in_use("f") != native.in_use("d")
    fake('exec gcc -DWRONG "$@"')
    compiler.identity.cache_clear()
    family._loaded.clear()
    assert native.in_use("f") not in (right, "reference")


def test_the_reference_when_it_is_asked_for(family: Library, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake("exit 1")
    monkeypatch.setenv("DDTRAIN_KERNELS", "reference")
    native.prepare("f")
    assert family.function("twice", np.dtype("f")) is None
    assert native.in_use("f") == "reference"
    assert native.lost() == []


def test_an_unknown_kind_of_kernels_is_an_error(family: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DDTRAIN_KERNELS", "fast")
    with pytest.raises(UsageError, match=r"^DDTRAIN_KERNELS is 'fast'"):
        native.prepare("f")


def test_another_processor_has_a_library_of_its_own(family: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    here = family.identity("f")
    assert here == family.identity("f")
    assert here != family.identity("d")
    monkeypatch.setattr(compiler, "machine", lambda: "x86_64 of another kind")
    assert family.identity("f") != here


def test_a_numpy_with_another_blas_does_not_take_over_what_was_refused(
    family: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = family.identity("f")
    monkeypatch.setattr(blas, "gemm", lambda char: None)
    assert family.identity("f") != here


def test_another_compiler_makes_a_library_of_its_own(family: Library, fake: Fake) -> None:
    first = fake("exit 1")
    one = family.identity("f")
    os.utime(first, ns=(1, 1))
    compiler.identity.cache_clear()
    assert family.identity("f") != one
