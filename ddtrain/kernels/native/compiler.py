"""The system's C compiler: where it is, what it calls itself, and how it is run."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAMES = ("cc", "gcc", "clang")
SECONDS = 60.0  # a family compiles in one or two; what takes longer hangs
FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fPIC", "-shared")
"""No ``-ffast-math``: NaN, infinity and the order of a sum mean what they say."""


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
    if shutil.which("python-zig"):  # the extra `compiler`: Zig's wheel has a clang
        return ["python-zig", "cc"]
    raise CompilerError("there is no C compiler (cc, gcc, clang); pip install 'ddtrain[compiler]' brings one")


@functools.cache
def identity(words: tuple[str, ...]) -> str:
    """The compiler's name and version, which a compiled library depends on.

    Raises
    ------
    CompilerError : it does not run
    """
    return _run([*words, "--version"], 20.0).partition("\n")[0]


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
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise CompilerError(f"{words[0]} did not end within {seconds:.0f} s") from None
    except OSError as error:
        raise CompilerError(f"{words[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or ["?"]
        raise CompilerError(f"{words[0]} ended with {done.returncode}: {said[0].strip()}")
    return done.stdout
