"""Whatever bytes a data file holds, every reader gives values or one line of ours."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from ddtrain.data import read_npz
from ddtrain.data.files import read_text
from ddtrain.data.idx import read_idx
from ddtrain.errors import DataError
from ddtrain.trainer.checkpoint.contents import MODEL, Snapshot, read_state
from ddtrain.trainer.checkpoint.finder import verify
from ddtrain.trainer.checkpoint.writer import amend, write

X = np.arange(60, dtype=np.uint8).reshape(3, 20)
IDX = struct.pack(">4I", 0x803, 3, 5, 4) + X.tobytes()
TEXT = "Wer reitet so spät durch Nacht und Wind?\n".encode() * 9
TRIALS = 120


def saved(save: Callable[..., None], *args: Any, **named: Any) -> bytes:
    out = io.BytesIO()
    save(out, *args, **named)
    return out.getvalue()


def zipped(member: bytes) -> bytes:
    """An archive whose own checksums are right."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.npy", member)
    return out.getvalue()


def damages(whole: bytes) -> Iterator[bytes]:
    """Bits flipped, bytes replaced, the end cut off, and put in what Python's parsers trip over."""
    rng = np.random.default_rng(0)
    for trial in range(TRIALS):
        damaged = bytearray(whole)
        at = int(rng.integers(min(len(whole), 150) if trial % 8 < 4 else len(whole)))  # half of them in the header
        if trial % 4 == 0:
            damaged[at] ^= 1 << int(rng.integers(8))
        elif trial % 4 == 1:
            damaged[at : at + 3] = rng.bytes(int(rng.integers(6)))
        elif trial % 4 == 2:
            del damaged[at:]
        else:
            damaged[at:at] = bytes(rng.choice(list(b"([{\"'\\,:0x-\n\0"), int(rng.integers(1, 30))).astype(np.uint8))
        yield bytes(damaged)


def attempt(read: Callable[[], Any]) -> bool:
    """Whether it was refused, after looking at how."""
    said = ""
    try:
        read()
    except DataError as error:
        said = error.one_line
    assert "\n" not in said
    assert len(said) < 700
    return bool(said)


def read_x(path: Path) -> Any:
    return read_npz(path, {"x": ("uint8", ("N", 20))})


def read_images(path: Path) -> Any:
    return read_idx(path, (5, 4))


READERS: dict[str, tuple[bytes, Callable[[bytes], bytes], Callable[[Path], Any]]] = {
    "npz": (saved(np.savez, x=X), bytes, read_x),
    "compressed npz": (saved(np.savez_compressed, x=X), bytes, read_x),
    "npy": (saved(np.save, X), zipped, read_x),
    "idx": (IDX, bytes, read_images),
    "gzip": (gzip.compress(IDX), bytes, read_images),
    "text": (TEXT, bytes, read_text),
    "gzipped text": (gzip.compress(TEXT), bytes, read_text),
}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    whole, wrap, read = READERS[name]
    path = tmp_path / "file"
    path.write_bytes(wrap(whole))
    assert not attempt(lambda: read(path))
    refused = 0
    for damaged in damages(whole):
        path.write_bytes(wrap(damaged))
        refused += attempt(lambda: read(path))
    assert refused > TRIALS // 8, "most changes of a text leave a text"


HEADERS = (
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (3,, ", b"(" * 9000, b"{'a': '''", b"\\", b"  x\n y", b"",
    b"{'descr': '|u1'}", b"1" * 9000, b"{'descr': 3, 'fortran_order': False, 'shape': (3,)}",
)  # fmt: skip


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:12].decode())
def test_a_header_that_python_cannot_parse(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(zipped(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"abc"))
    assert attempt(lambda: read_npz(path, {"x": ("uint8", ("N",))}))


def test_tensors_that_make_no_sense_under_a_sound_seal(tmp_path: Path) -> None:
    """Their hash is right, so only the parser is between these bytes and the run."""
    path = write(tmp_path, Snapshot(1, 0, 0, 0, model={"w": np.ones((2, 3)), "b": np.ones(4, np.int8)}, optim={}))
    files, refused = read_state(path)["files"], 0
    odd = [b"", safetensors.numpy.save({"w": np.ones(1)})[:8], struct.pack("<Q", 2**60) + b"{}", b"\xff" * 40]
    for damaged in [*odd, *damages((path / MODEL).read_bytes())]:
        (path / MODEL).write_bytes(damaged)
        told = {"bytes": len(damaged), "sha256": hashlib.sha256(damaged).hexdigest()}
        amend(path, {"files": {**files, MODEL: told}})
        refused += attempt(lambda: verify(path))
    assert refused > TRIALS // 3
