"""Signals: before, while and after a run listens, in children, and while the main thread is where no handler runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddtrain.errors import StoppedError
from ddtrain.trainer import stop_signals
from ddtrain.trainer.stop_signals import SIGNALS, StopFile, listening, ranks_connected, stop_requested

HANG_S = 30


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """As in a program that nobody has started with signals ignored."""
    usual = {signal.SIGUSR1: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    stop_signals._before.clear()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    stop_signals._before.clear()


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_is_a_request_and_a_second_interrupts(number: signal.Signals) -> None:
    with listening():
        signal.raise_signal(number)
        assert stop_requested()
        signal.raise_signal(number)  # from the terminal and from mpirun: the same request
        time.sleep(stop_signals.SAME_REQUEST_S + 0.1)
        with pytest.raises(KeyboardInterrupt, match=f"second {number.name}"):
            signal.raise_signal(number)
    assert not stop_requested()


def test_what_was_asked_before_the_ranks_met_is_an_error_to_agree_on() -> None:
    with listening():
        assert ranks_connected() is None
        signal.raise_signal(signal.SIGTERM)
        assert isinstance(ranks_connected(), StoppedError)


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_ignored_stays_ignored(number: signal.Signals) -> None:
    """As under nohup, or in a script's background."""
    signal.signal(number, signal.SIG_IGN)
    with listening():
        signal.raise_signal(number)
        assert not stop_requested()
    assert signal.getsignal(number) is signal.SIG_IGN


def test_from_the_start_only_the_launchers_wish_is_taken() -> None:
    stop_signals.exit_before_listening()
    with pytest.raises(SystemExit) as info:
        signal.raise_signal(signal.SIGUSR1)
    assert info.value.code == 75
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "a program of its own may be deep in MPI"
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    stop_signals.exit_before_listening()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN


@pytest.mark.parametrize(("launched", "code"), [({"PMI_SIZE": "1"}, 75), ({}, -signal.SIGUSR1)])
def test_importing_ddtrain_is_the_start_under_a_launcher_alone(launched: dict[str, str], code: int) -> None:
    program = "import os, signal, ddtrain; os.kill(os.getpid(), signal.SIGUSR1)"
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PMI_", "OMPI_"))}
    done = subprocess.run([sys.executable, "-c", program], env=alone | launched, timeout=HANG_S, check=False)
    assert done.returncode == code


def test_the_users_wakeup_descriptor_comes_back() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    with listening():
        pass
    assert signal.set_wakeup_fd(-1) == writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_forked_child_ends_when_told(number: signal.Signals) -> None:
    stop_signals.exit_before_listening()
    with listening():
        child = os.fork()
        if child == 0:
            time.sleep(HANG_S)
            os._exit(0)
        time.sleep(0.1)
        os.kill(child, number)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -number
        assert not stop_requested()


def test_a_pool_and_a_process_end_when_told() -> None:
    fork = multiprocessing.get_context("fork")
    with listening():
        with fork.Pool(2) as pool:
            assert pool.map(abs, range(-2, 2)) == [2, 1, 0, 1]
        process = fork.Process(target=time.sleep, args=(HANG_S,), daemon=True)
        process.start()
        process.terminate()
        process.join(HANG_S)
        assert process.exitcode == -signal.SIGTERM


DEAF = """
import ctypes, os, signal, sys, threading, time
from ddtrain.trainer import stop_signals

def send():
    time.sleep(0.2)
    for _ in range(int(sys.argv[1])):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(stop_signals.SAME_REQUEST_S + 0.1)

with stop_signals.listening(lambda error: print("told of", error, flush=True)):
    if sys.argv[2] == "together":
        stop_signals.ranks_connected()
    threading.Thread(target=send, daemon=True).start()
    mutex, lock = ctypes.create_string_buffer(64), ctypes.CDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)  # for ever, without the interpreter's lock, and no signal wakes it
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a mutex of zeros")
@pytest.mark.parametrize(
    ("signals", "phase", "code", "out", "err"),
    [
        (1, "start", 75, "", "ddtrain: error: stopped on request (SIGTERM) while ranks were missing\n"),
        (2, "together", 130, "told of second SIGTERM\n", "ddtrain: interrupted\n"),
    ],
)
def test_a_deaf_main_thread_is_ended(signals: int, phase: str, code: int, out: str, err: str) -> None:
    command = [sys.executable, "-c", DEAF, str(signals), phase]
    alone = {name: value for name, value in os.environ.items() if name != "PMI_FD"}
    done = subprocess.run(command, env=alone, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


def test_a_stop_file_from_before_the_run_is_removed_and_said(tmp_path: Path) -> None:
    (tmp_path / "STOP").touch()
    file = StopFile(tmp_path)
    assert file.remove_former() == [f"{tmp_path}/STOP was there before the run began, and is removed"]
    assert not file.seen()
    assert file.remove_former() == []
