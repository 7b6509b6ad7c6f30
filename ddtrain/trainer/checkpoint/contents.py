"""A checkpoint's contents and its files: two or more of tensors, and a state.json that holds the hashes of them all.

    model.safetensors       parameters and buffers, by the names and layouts of export
    optim.safetensors       the optimizer's vectors
    memory.safetensors      what each rank remembers beyond these, see ``rank_state.py``; absent if nothing
    fitted.safetensors      what the task has fitted to data, see ``fitted_state.py``; absent if nothing
    population.safetensors  buffers for who loads the trained model, in place of those that the run goes on with; only
                            in the last checkpoint of a run that wants them (``trainer/average/population.py``)
    state.json              where the run stood, what it was told, sizes and hashes; its own hash is its last line

No file is used before its size and hash agree, and none holds code. A hash shows that nothing was damaged, not that
the contents make sense: :mod:`ddtrain.trainer.checkpoint.state_json` checks what state.json says.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import DTypeLike, NDArray

from ddtrain.errors import CheckpointError, first_line, quoted
from ddtrain.trainer.atomic_files import to_json
from ddtrain.trainer.checkpoint.state_json import check_state
from ddtrain.trainer.file_names import MODEL, OPTIM, OPTIONAL, STATE
from ddtrain.trainer.numeric_environment import numeric_environment

FORMAT, FORMAT_VERSION = "ddtrain checkpoint", 2
FILES = (MODEL, OPTIM, *OPTIONAL.values(), STATE)

_STATE_LIMIT_BYTES = 1 << 24  # a state.json is a few KB; a larger one is not ours
SEAL = "state_sha256"
_SEAL = f',\n "{SEAL}": "'.encode()

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Snapshot:
    """Everything a run needs to go on as if it had never stopped.

    Parameters
    ----------
    step : optimizer steps taken
    epoch : passes begun before this point, counted from 0
    position : samples of this epoch already used
    seed : the run's seed
    model : parameters and buffers, by exported name
    optim : the optimizer's vectors, by name
    memory : arrays that ranks remember, as ``RANK/NAME``
    fitted : what the task has fitted to data, as ``NAME/KEY``
    population : batch-norm's statistics of all batches, by exported name; of the average if that is evaluated
    data : describes the training data, see ``task.describe_data``
    optim_count : updates the optimizer has applied
    config : the resolved configuration, JSON-able
    coordinator : ``Coordinator.state_dict()``
    metrics : figures of the latest evaluation
    evaluated : the step after which ``metrics`` were found, by default ``step``; 0 without metrics. If an evaluation is
        due at ``step`` and its figures are not in ``metrics``, it has not yet been made
    params_sha256, model_sha256 : hash of the parameters, and of parameters and buffers, as in summary.json
    versions : of the software that made it, see ``numeric_environment.py``, and of Python
    """

    step: int
    epoch: int
    position: int
    seed: int
    model: Tensors
    optim: Tensors
    memory: Tensors = field(default_factory=dict)
    fitted: Tensors = field(default_factory=dict)
    population: Tensors = field(default_factory=dict)
    data: str = ""
    optim_count: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    coordinator: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    evaluated: int = -1
    params_sha256: str = ""
    model_sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=lambda: versions_here("float32"))

    def __post_init__(self) -> None:
        if self.evaluated < 0:
            object.__setattr__(self, "evaluated", self.step if self.metrics else 0)

    def require(self, model: Tensors, optim: Tensors) -> None:
        """Check names, shapes and dtypes against those of the run to be resumed.

        Raises
        ------
        CheckpointError : naming the first tensor that differs, with both sides.
        """
        differences = [
            *_differences("parameter", "model", self.model, model),
            *_differences("optimizer state", "optimizer", self.optim, optim),
        ]
        if differences:
            more = f" (and {len(differences) - 1} more differences)" if len(differences) > 1 else ""
            raise CheckpointError(
                f"checkpoint of step {self.step} does not fit: {differences[0]}{more}",
                remedy="Give the configuration it was made with, or another --run.dir.",
            )


def versions_here(dtype: DTypeLike) -> dict[str, str]:
    """What a run in a dtype computes with here, by name, as a checkpoint has it."""
    return {**numeric_environment(dtype), "python": platform.python_version()}


_STATE = tuple(f.name for f in fields(Snapshot) if f.name not in ("model", "optim", *OPTIONAL))


def _differences(what: str, side: str, saved: Tensors, wanted: Tensors) -> Iterator[str]:
    for name in [*wanted, *(name for name in saved if name not in wanted)]:
        ours, theirs = (_describe(tensors.get(name)) for tensors in (wanted, saved))
        if ours != theirs:
            yield f"{what} {name}: checkpoint {theirs}, {side} {ours}"


def _describe(x: NDArray[Any] | None) -> str:
    return "has none" if x is None else f"{x.shape} {x.dtype}"


def encode(snapshot: Snapshot) -> dict[str, bytes]:
    """The files of a checkpoint, by name.

    >>> files = encode(Snapshot(step=3, epoch=0, position=96, seed=0, model={"w": np.ones(2)}, optim={}))
    >>> sorted(files)
    ['model.safetensors', 'optim.safetensors', 'state.json']
    """
    files = {MODEL: _pack(snapshot.model), OPTIM: _pack(snapshot.optim)}
    files |= {file: _pack(tensors) for name, file in OPTIONAL.items() if (tensors := getattr(snapshot, name))}
    state = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **{name: getattr(snapshot, name) for name in _STATE},
        "files": {name: {"bytes": len(data), "sha256": _sha256(data)} for name, data in files.items()},
    }
    return {**files, STATE: sealed(state)}


def sealed(state: Mapping[str, Any]) -> bytes:
    """The bytes of a state.json, whose last line is the hash of all before."""
    body = (
        to_json({name: value for name, value in state.items() if name != SEAL}, indent=1).removesuffix("\n}").encode()
    )
    return body + _SEAL + f'{_sha256(body)}"\n}}\n'.encode()


def _pack(tensors: Tensors) -> bytes:
    return safetensors.numpy.save({name: np.asarray(x, order="C") for name, x in sorted(tensors.items())})


def decode(path: Path) -> Snapshot:
    """Read and verify a checkpoint's directory.

    Raises
    ------
    CheckpointError : names the file that is missing, damaged, foreign or of a newer format, and why.
    """
    state = read_state(path)
    model, optim = (_read_tensors(path / file, state["files"]) for file in (MODEL, OPTIM))
    there = {name: file for name, file in OPTIONAL.items() if file in state["files"]}
    others: dict[str, Any] = {name: _read_tensors(path / file, state["files"]) for name, file in there.items()}
    # JSON has no NaN, so it was saved as the string "NaN"
    state["metrics"] = {name: float(value) for name, value in state["metrics"].items()}
    return Snapshot(model=model, optim=optim, **others, **{name: state[name] for name in _STATE})


def read_state(path: Path) -> dict[str, Any]:
    """The verified contents of a checkpoint's state.json."""
    file = path / STATE
    raw = _read(file, _STATE_LIMIT_BYTES)
    try:
        state = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: damaged: not JSON ({first_line(error)})") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{file}: foreign: does not say it is a {FORMAT!r}")
    version = state.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{file}: format version {quoted(version)}; this ddtrain reads up to {FORMAT_VERSION}",
            remedy="Use the ddtrain that wrote it, or a newer one.",
        )
    body, _, tail = raw.rpartition(_SEAL)
    if tail != f'{_sha256(body)}"\n}}\n'.encode():
        raise CheckpointError(f"{file}: damaged: its bytes do not have the hash on its last line")
    # checkpoints of format 1 were saved after the evaluation, so they already have its figures
    if state["format_version"] == 1:
        state = {"evaluated": state.get("step") if state.get("metrics") else 0, "model_sha256": "", **state}
    check_state(file, state, {*_STATE, "format", "format_version", "files", SEAL})
    return state


def _read_tensors(file: Path, listed: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    expected = listed[file.name]
    raw = _read(file, expected["bytes"])
    if len(raw) != expected["bytes"]:
        raise CheckpointError(f"{file}: damaged: {len(raw)} bytes where state.json says {expected['bytes']}")
    if _sha256(raw) != expected["sha256"]:
        raise CheckpointError(f"{file}: damaged: its bytes do not have the hash that state.json says")
    try:
        return safetensors.numpy.load(raw)
    except Exception as error:  # the foreign parser may raise anything on damaged bytes
        raise CheckpointError(f"{file}: not tensors that NumPy can hold ({first_line(error)})") from None


def _read(file: Path, limit: int) -> bytes:
    """A file's bytes; from a file that is longer than it should be, not many more."""
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            if size > limit:
                raise CheckpointError(f"{file}: damaged or foreign: {size} bytes where at most {limit} belong")
            return opened.read(limit)
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror}") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
