"""Whatever is behind standard output and error, saying something there ends nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from ddtrain import standard_output
from ddtrain.standard_output import is_terminal, say, tolerant_output

WORDS = "Zürich → Genève\n"


class OnlyWrites:
    """As people replace standard output: no flush, no encoding, no isatty, no fileno."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


class AsciiOnly(OnlyWrites):
    def write(self, text: str) -> None:
        self.text += text.encode("ascii").decode()

    def flush(self) -> None: ...


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise RuntimeError("the user's own")


@pytest.mark.parametrize(
    ("encoding", "errors", "shown"),
    [
        ("utf-8", "strict", "Zürich → Genève\n"),
        ("latin-1", "strict", "Zürich \\u2192 Genève\n"),
        ("ascii", "strict", "Z\\xfcrich \\u2192 Gen\\xe8ve\n"),
        ("ascii", "replace", "Z?rich ? Gen?ve\n"),
    ],
)
def test_letters_that_cannot_be_shown_are_spelled_out(encoding: str, errors: str, shown: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
    assert say(WORDS, stream)
    assert stream.buffer.getvalue().decode(encoding) == shown  # type: ignore[attr-defined]


def test_a_file_name_that_is_not_utf_8_is_spelled_out() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert say("caf\udce9", stream)
    assert stream.buffer.getvalue() == b"caf\\udce9"  # type: ignore[attr-defined]


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed(), Broken(), OnlyWrites(), object()], ids=lambda s: type(s).__name__)
def test_a_stream_that_fails_is_reported_and_raises_nothing(stream: Any) -> None:
    assert not say(WORDS, stream)
    assert not is_terminal(stream)


def test_a_stream_of_the_users_own_with_an_encoding_it_does_not_tell() -> None:
    stream = AsciiOnly()
    assert say(WORDS, stream)  # type: ignore[arg-type]
    assert stream.text == "Z\\xfcrich \\u2192 Gen\\xe8ve\n"


def test_print_is_forgiving_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    monkeypatch.setattr(sys, "stderr", None)
    with tolerant_output():
        print(WORDS, end="")
        print(WORDS, file=sys.stderr)
    assert sys.stderr is None
    assert ascii_only.errors == "strict"
    assert ascii_only.buffer.getvalue() == b"Z\\xfcrich \\u2192 Gen\\xe8ve\n"  # type: ignore[attr-defined]


PROGRAM = """
import os, sys
from ddtrain.standard_output import tolerant_output, say
with tolerant_output():
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    assert log > 2, log
    print("printed")
    said = say("said", sys.stdout)
sys.exit(7)
"""


@pytest.mark.parametrize("to", [">&- 2>&-", ">/dev/full 2>/dev/full", "| true", ""])
def test_the_exit_code_is_the_programs(tmp_path: Any, to: str) -> None:
    """A failed flush at the end would make it 120; a log that got descriptor 1 would hold what libraries print."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    shell = f'"$0" "$1" "$2" {to}' if "|" not in to else f'("$0" "$1" "$2"; echo $? >"$2.code") {to}'
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = ["sh", "-c", shell, sys.executable, str(program), str(tmp_path / "log")]
    done = subprocess.run(command, env=buffered, capture_output=True, check=False)
    code = int((tmp_path / "log.code").read_text()) if "|" in to else done.returncode
    assert (code, done.stderr) == (7, b"")


def test_descriptors_that_are_open_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    monkeypatch.setattr(standard_output.os, "open", lambda *args: opened.append(3) or 3)  # type: ignore[attr-defined]
    monkeypatch.setattr(standard_output.os, "close", opened.remove)  # type: ignore[attr-defined]
    standard_output._fill_descriptors()
    assert not opened


def test_what_was_said_is_waited_for_until_it_is_read() -> None:
    """Of a reader that takes its time, and of none that ever reads; a file has no reader."""
    script = "import sys; from ddtrain.standard_output import wait_until_read as wait; "
    script += "sys.stderr.write('said'); sys.stderr.flush(); wait(%s)"
    for limit, late in (("2.0, 0.0", 0.4), ("0.2, 0.0", 1.5)):
        with subprocess.Popen([sys.executable, "-c", script % limit], stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            time.sleep(late)
            still = process.poll() is None
            assert process.stderr.read() == b"said"
        assert process.returncode == 0
        if late < 1:
            assert still, "nobody has read it"
    assert subprocess.run([sys.executable, "-c", script % "9.0"], stderr=subprocess.DEVNULL, timeout=8).returncode == 0
