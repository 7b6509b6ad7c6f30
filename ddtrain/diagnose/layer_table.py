"""``summary(model, x)``: a model's layers as a table, by running it on a batch.

Nothing is derived from the kind of a layer: shapes are those of what it returned, multiply-adds are counted in the
operations (``multiply_adds.py``), and the memory kept for the backward pass is that of the arrays that a tape holds. So
layers of one's own count like any other.
"""

# N samples of the batch

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.autodiff import Primitive, Tape
from ddtrain.autodiff.core.boxes import box
from ddtrain.data import cast
from ddtrain.diagnose.layer_calls import LayerCall, LayerCalls, arrays_in, value_of_all
from ddtrain.diagnose.multiply_adds import CountingTrace
from ddtrain.diagnose.text_table import aligned
from ddtrain.nn import Module
from ddtrain.nn.declarations import Declaration
from ddtrain.ops import use_communicator
from ddtrain.optim import Optim
from ddtrain.rng import SampleRng

OUTSIDE = "(outside)"  # the row of what is done outside of any layer, as a loss function does


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer, without those within it, so that the rows add up to the whole.

    Attributes
    ----------
    path, kind, depth : its place in the model, its class, and how many calls it is within
    output : the shapes of what it returned, N for the samples
    parameters : numbers that are trained; 0 where an earlier row has counted them
    multiply_adds : for one sample
    kept_bytes : of arrays that wait for the backward pass, for the whole batch; each counts where an operation first
        holds it, so that a layer's output may count in the next one, which needs it as input
    """

    path: str
    kind: str
    depth: int
    output: str
    parameters: int
    multiply_adds: int
    kept_bytes: int


@dataclass(frozen=True)
class Summary:
    """Layers, sums and memory; printed, a table.

    Attributes
    ----------
    rows : in the order of the calls
    samples : of the batch, N
    parameters, buffers : numbers of the whole model, each once, wherever it stands
    parameter_bytes, gradient_bytes, optimizer_bytes : of a rank; the ranks of a machine share the first and last
    """

    rows: tuple[LayerRow, ...]
    samples: int
    parameters: int
    buffers: int
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int

    @property
    def multiply_adds(self) -> int:
        """Of one sample's forward pass."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def kept_bytes(self) -> int:
        """Of arrays that wait for the backward pass, for the whole batch."""
        return sum(row.kept_bytes for row in self.rows)

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply-adds", "kept for backward")
        lines = [_cells(row) for row in self.rows]
        return "\n".join([*aligned([head, *lines], texts=3), "", *self._sums()])

    def _sums(self) -> list[str]:
        buffers = f", and {self.buffers:,} numbers in buffers" if self.buffers else ""
        whole = self.parameter_bytes + self.gradient_bytes + self.optimizer_bytes + self.kept_bytes
        return [
            f"{self.parameters:,} parameters{buffers}; {self.multiply_adds:,} multiply-adds a sample",
            f"memory at N = {self.samples}: parameters {in_bytes(self.parameter_bytes)}, gradients "
            f"{in_bytes(self.gradient_bytes)}, optimizer {in_bytes(self.optimizer_bytes)}, kept for backward "
            f"{in_bytes(self.kept_bytes)}: {in_bytes(whole)}",
        ]


def summary(model: Module, x: Any, *, optim: str | Optim = "sgd", dtype: DTypeLike = np.float32) -> Summary:
    """The layers of a model with output shapes, parameters, multiply-adds and memory, found by running it on ``x``.

    Parameters
    ----------
    model : bound, as ``run.load`` gives it, or not: its values do not matter
    x : what the model is called with: one array, or a tuple of them; the first axis is the sample. Zeros will do
    optim : the optimizer, or its name, whose state counts as memory
    dtype : of the parameters, and of floating arrays in ``x``

    Returns
    -------
    An object with ``rows`` and sums; ``print`` shows it as a table.

    Raises
    ------
    UsageError : what calling the model raises

    Examples
    --------
    >>> from ddtrain import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> print(summary(model, np.zeros((32, 4)), optim="adam"))
    layer  kind        output  parameters  multiply-adds  kept for backward
           Sequential  (N, 2)           0              0                0 B
    0      Linear      (N, 8)          40             32                0 B
    1      ReLU        (N, 8)           0              0             2.0 kB
    2      Linear      (N, 2)          18             16                0 B
    <BLANKLINE>
    58 parameters; 48 multiply-adds a sample
    memory at N = 32: parameters 232 B, gradients 232 B, optimizer 464 B, kept for backward 2.0 kB: 3.0 kB
    """
    if model._run is not None:
        model = _module_at(model._run.model, model._path)
    batch = cast(x if isinstance(x, tuple) else (x,), dtype)
    return layer_table(model, model.init(0, dtype), lambda net: net(*batch), batch, optim)


def layer_table(
    model: Module, values: Mapping[str, Any], call: Callable[[Any], Any], batch: tuple[Any, ...], optim: str | Optim
) -> Summary:
    """As :func:`summary`, of any function of the bound model: a loss, say.

    Parameters
    ----------
    values : of parameters and buffers, by path
    call : is given the bound model
    batch : what ``call`` computes with; the length of its first array is N
    """
    samples = len(batch[0])
    declared = model.declarations()
    counted = _Counted(model, values)
    calls, multiply_adds = counted.multiply_adds(call)
    kept = counted.kept(call, batch)
    seen: set[int] = set()
    rows = [
        LayerRow(
            each.path,
            each.kind,
            each.depth,
            ", ".join(_shape(output, samples) for output in each.outputs),
            _own_parameters(each, model, seen),
            multiply_adds.get(k, 0) // max(1, samples),
            kept.get(k, 0),
        )
        for k, each in enumerate(calls)
    ]
    if -1 in multiply_adds or -1 in kept:
        outside = multiply_adds.get(-1, 0) // max(1, samples)
        rows.append(LayerRow(OUTSIDE, "", 0, "", 0, outside, kept.get(-1, 0)))
    trained = sum(np.size(values[path]) for path, d in declared.items() if d.trained)
    nbytes = sum(np.asarray(values[path]).nbytes for path, d in declared.items() if d.trained)
    formula = Optim(name=optim) if isinstance(optim, str) else optim
    others = sum(np.size(values[path]) for path, d in declared.items() if not d.trained)
    state = nbytes * len(formula.vectors())
    return Summary(tuple(rows), samples, trained, others, nbytes, nbytes, state)


class _Counted:
    """Runs a model twice, as it trains: under a trace that counts, and on a tape whose arrays are weighed."""

    def __init__(self, model: Module, values: Mapping[str, Any]) -> None:
        self.model, self.values = model, values

    def multiply_adds(self, call: Callable[[Any], Any]) -> tuple[list[LayerCall], dict[int, int]]:
        """The calls, and the multiply-adds of each by its position; -1 for those outside of any."""
        watcher, counts = LayerCalls(), dict[int, int]()

        def charge(count: int) -> None:
            at = watcher.position
            counts[at] = counts.get(at, 0) + count

        self._run(call, CountingTrace(charge), watcher, lambda path: True)
        return watcher.calls, counts

    def kept(self, call: Callable[[Any], Any], batch: tuple[Any, ...]) -> dict[int, int]:
        """Bytes of the arrays that a tape holds, by the call that first gave it each; parameters and batch left out."""
        watcher, names = LayerCalls(), list(self.values)
        tape = _WeighedTape(len(names), lambda: watcher.position, [*self.values.values(), *batch])
        self._run(call, tape, watcher, names.index)
        return tape.kept

    def _run(self, call: Callable[[Any], Any], trace: Any, watcher: LayerCalls, node_of: Callable[[str], Any]) -> None:
        declared = self.model.declarations()
        traced = {
            path: box(np.asarray(x), trace, node_of(path)) if declared[path].trained else x
            for path, x in self.values.items()
        }
        net = self.model.bind(traced, training=True, rng=SampleRng(0, 0))
        net.run.watcher = watcher
        with use_communicator(None), np.errstate(all="ignore"):
            call(net)


class _WeighedTape(Tape):
    """A tape that adds up the bytes of the arrays it holds, each once."""

    __slots__ = ("at", "kept", "known")

    def __init__(self, n_leaves: int, at: Callable[[], int], known: list[Any]) -> None:
        super().__init__(n_leaves)
        self.at, self.kept = at, dict[int, int]()
        self.known = {id(owner): owner for owner in map(_owner, known)}

    def process(self, prim: Primitive, ans: Any, args: Any, kwargs: dict[str, Any], argnums: Any, nodes: Any) -> int:
        for array in arrays_in(value_of_all([ans, list(args)])):
            owner = _owner(array)
            if id(owner) not in self.known:
                self.known[id(owner)] = owner
                self.kept[self.at()] = self.kept.get(self.at(), 0) + owner.nbytes
        return super().process(prim, ans, args, kwargs, argnums, nodes)


def _owner(array: Any) -> Any:
    """The array whose memory a view shows."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return np.asarray(array)


def _own_parameters(call: LayerCall, model: Module, seen: set[int]) -> int:
    """Trained numbers that the layer itself declares, and no earlier row has counted."""
    own = [d for _, d in _module_at(model, call.path)._own(Declaration) if d.trained and id(d) not in seen]
    seen.update(map(id, own))
    return sum(int(np.prod(d.shape, dtype=np.int64)) for d in own)


def _module_at(model: Any, path: str) -> Any:
    """The module at a path of a model."""
    for name in path.split(".") if path else ():
        model = _item(model, name)
    return model


def _item(holder: Any, name: str) -> Any:
    """An attribute of a module, or an item of a list or dict in one."""
    if isinstance(holder, dict):
        return next(item for key, item in holder.items() if str(key) == name)
    return holder[int(name)] if isinstance(holder, list | tuple) else getattr(holder, name)


def _shape(x: Any, samples: int) -> str:
    shape = [str(n) for n in np.shape(x)]
    if shape and np.shape(x)[0] == samples:
        shape[0] = "N"
    return f"({', '.join(shape)}{',' * (len(shape) == 1)})"


def _cells(row: LayerRow) -> tuple[str, ...]:
    numbers = (f"{row.parameters:,}", f"{row.multiply_adds:,}", in_bytes(row.kept_bytes))
    return (row.path, row.kind, row.output, *numbers)


def in_bytes(n: float) -> str:
    """A number of bytes in words.

    >>> in_bytes(232), in_bytes(1024), in_bytes(5.2e9)
    ('232 B', '1.0 kB', '5.2 GB')
    """
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} B" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
