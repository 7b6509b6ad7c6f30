"""Sleeping until a word of shared memory changes, and waking the sleepers: Linux's futex, through the C library.

Note [Futex]
The kernel compares the word with the value that the sleeper has seen, and only then lets it sleep, so a change cannot
be missed. A sleeper leaves its core to ranks that have work, and is woken at once; polling would take their time, and
fixed sleeps would last too long. Python offers no futex, so the system call is made by its number; if the number is not
known, or the system is not Linux, ranks sleep for short times (Note [Waiting]).
"""

from __future__ import annotations

import ctypes
import platform
import sys

# the system call's number on each architecture
_NUMBERS = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "ppc64le": 221, "s390x": 238}
_WAIT, _WAKE = 0, 1
_EVERYBODY = 0x7FFFFFFF

_number = _NUMBERS.get(platform.machine()) if sys.platform == "linux" and sys.maxsize > 2**32 else None
_call = ctypes.CDLL(None).syscall if _number else None

AVAILABLE = _call is not None and sys.byteorder == "little"  # the futex is the lower half of an eight-byte counter


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def sleep(address: int, seen: int, timeout_s: float) -> None:
    """Sleep while the 32-bit word at ``address`` equals ``seen``, at most for the given time; may return early."""
    assert _call is not None, "ask AVAILABLE first"
    time = _Time(int(timeout_s), int(timeout_s % 1 * 1e9))
    _call(_number, ctypes.c_void_p(address), _WAIT, ctypes.c_uint32(seen & 0xFFFFFFFF), ctypes.byref(time), None, 0)


def wake(address: int) -> None:
    """Wake all sleepers on the word at ``address``, in any process."""
    assert _call is not None, "ask AVAILABLE first"
    _call(_number, ctypes.c_void_p(address), _WAKE, _EVERYBODY, None, None, 0)
