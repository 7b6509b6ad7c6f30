"""The C compiler: the system's or a wheel's, which one it is, and how it is run."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMES = ("cc", "gcc", "clang")
SECONDS = 60.0  # a family compiles in one or two; what takes longer hangs
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fPIC", "-shared")
"""No ``-ffast-math``: NaN, infinity and the order of a sum mean what they say."""


_hanging: dict[str, str] = {}  # by the command's first word: a compiler that has not ended in time is not tried again


class CompilerError(Exception):
    """Why there is no library; the text is one line."""


def command() -> list[str]:
    """The compiler as the beginning of a command: ``$DDTRAIN_CC``, else ``$CC``, else what the system or a wheel has.

    Raises
    ------
    CompilerError : there is none
    """
    asked = os.environ.get("DDTRAIN_CC") or os.environ.get("CC")
    if asked:
        words = shlex.split(asked)
        if words and shutil.which(words[0]):
            return words
        raise CompilerError(f"the compiler {asked!r} is not to be found")
    for name in NAMES:
        if path := shutil.which(name):
            return [path]
    if _zig():
        return [sys.executable, "-m", "ziglang", "cc"]
    raise CompilerError("there is no C compiler (cc, gcc, clang); pip install 'ddtrain[compiler]' brings one")


def _zig() -> str:
    """The version of Zig's wheel, the extra ``compiler``, which has a clang; empty where it is not installed."""
    try:
        return version("ziglang")
    except PackageNotFoundError:
        return ""


@functools.cache
def identity(words: tuple[str, ...]) -> str:
    """What tells one compiler from another, without starting it: the files that the command names, or Zig's version.

    It is asked for whenever a run starts, and a compiler takes some tens of milliseconds to say its version.
    """
    if "ziglang" in words:
        return f"{' '.join(words[1:])} {_zig()}"
    parts = list(words)
    for path in filter(None, map(shutil.which, words)):
        status = os.stat(path)
        parts.append(f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(parts)


@functools.cache
def describe(words: tuple[str, ...]) -> str:
    """The compiler's name and version in its own words, for people; or why it does not say.

    >>> describe(("/nowhere/cc",))
    '/nowhere/cc cannot be run: No such file or directory'
    """
    try:
        return _run([*words, "--version"], 20.0).partition("\n")[0]
    except CompilerError as error:
        return str(error)


@functools.cache
def machine() -> str:
    """What ``-march=native`` depends on: the type of machine and what its processor can do."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {sys.platform}"
    wanted = ("model name", "flags", "Features", "CPU part", "cpu family", "model\t")
    first = text.partition("\n\n")[0].splitlines()
    return "\n".join([platform.machine(), *(line for line in first if line.startswith(wanted))])


def target_flag() -> str:
    """The option that makes code for this processor."""
    return "-mcpu=native" if platform.machine() in ("aarch64", "arm64") else "-march=native"


def compile_library(
    source: Path, target: Path, include: Path, defines: Sequence[str], more: Sequence[str] = ()
) -> None:
    """Compile ``source`` into the shared library ``target``, with ``more`` options after the usual ones.

    Raises
    ------
    CompilerError : it cannot be compiled, or takes longer than a minute
    """
    options = [*FLAGS, target_flag(), f"-I{include}", *(f"-D{define}" for define in defines), *more]
    _run([*command(), *options, "-o", str(target), str(source), "-lm"], SECONDS)


def _run(words: Sequence[str], seconds: float) -> str:
    if words[0] in _hanging:
        raise CompilerError(_hanging[words[0]])
    try:
        # a session of its own: what the compiler has started ends with it
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise CompilerError(f"{words[0]} cannot be run: {error.strerror}") from None
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _hanging[words[0]] = f"{words[0]} did not end within {seconds:g} s"  # one wait is enough for all families
        raise CompilerError(_hanging[words[0]]) from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        said = [line for line in err.splitlines() if "error" in line] or err.splitlines() or ["it does not say why"]
        raise CompilerError(f"{words[0]} ended with {process.returncode}: {said[0].strip()}")
    return out
