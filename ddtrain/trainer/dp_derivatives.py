"""Derivatives of the global mean loss, over ranks: value, gradient, Hessian-vector product, directional derivative.

Each is what one rank with all samples would compute, and the same on all ranks. Between fan_out and fan_in, where a
rank differentiates its own share of the loss, they are the ordinary operators (Note [One value, or one a rank] in
``ops/collectives.py``), so what they return can be differentiated again: ``grad`` of a function of a Hessian-vector
product, ``jvp`` of a gradient, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as onp

import ddtrain.numpy as np
from ddtrain import tree
from ddtrain.autodiff import grad, jvp, value_and_grad
from ddtrain.autodiff.operators.argnums import called
from ddtrain.errors import ShapeError, UsageError, kind_of
from ddtrain.nn import Module
from ddtrain.ops import fan_in, fan_out, use_communicator
from ddtrain.ops.collectives import Collectives, tied
from ddtrain.rng import SampleRng

Loss = Callable[..., Any]  # loss(params, *shard) -> (N,) losses of this rank's samples, or their sum


def dp_value_and_grad(loss: Loss, comm: Collectives) -> Callable[..., tuple[Any, Any]]:
    """The function that returns the mean loss of all ranks' samples, and its gradient by the parameters. Collective.

    Parameters
    ----------
    loss : ``loss(params, *shard)`` gives one loss for each of this rank's samples, or their sum; *not* their mean.
        It may call ``ops.allreduce``, as batch-norm does. What is the same on all ranks and differentiated enters
        through ``params``
    comm : the ranks. One collective for the number of samples, one for value and gradient (a second unless all are
        float64)

    Returns
    -------
    ``(params, *shard) -> (value, gradient)``. ``params`` is a nested list, tuple or dict of arrays, equal on all ranks;
    ``shard`` holds this rank's samples, possibly none, along each array's first axis. The value is of float64, the
    gradient like ``params``; both are the same on all ranks.

    Raises
    ------
    ShapeError : the loss is neither one number a sample nor one number
    UsageError : no rank has a sample, or the loss is a sum and ``shard`` has no array whose rows could be counted

    >>> from ddtrain.comm import run_ranks
    >>> x, y = onp.array([[1.0], [2.0], [3.0]]), onp.array([2.0, 4.0, 7.0])
    >>> def main(comm):
    ...     first, last = 3 * comm.rank // comm.size, 3 * (comm.rank + 1) // comm.size  # ragged: one sample, and two
    ...     loss = lambda w, x, y: (x @ w - y) ** 2
    ...     value, gradient = dp_value_and_grad(loss, comm)(onp.array([1.0]), x[first:last], y[first:last])
    ...     if comm.rank == 0:
    ...         print(value, gradient)
    >>> run_ranks("threads:2", main)
    7.0 [-11.33333333]
    0
    """
    own = value_and_grad(_own_share(loss, comm))

    @wraps(loss)
    def value_and_gradient(params: Any, *shard: Any) -> tuple[Any, Any]:
        with use_communicator(comm):
            copies = _copies(params, comm)
            value, gradient = _sum(own(copies, *shard), comm, copies)
        return value, gradient

    return value_and_gradient


def dp_hvp(loss: Loss, comm: Collectives) -> Callable[..., Any]:
    """The function ``(params, v, *shard)`` that returns the Hessian of the mean loss times ``v``. Collective.

    ``v`` has the structure of ``params`` and is the same on all ranks, as is the product. Costs about two gradients.
    For ``loss``, ``comm`` and errors see :func:`dp_value_and_grad`.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> loss = lambda w, x: x * np.sum(w**3)
    >>> dp_hvp(loss, LocalCommunicator())(onp.array([1.0, 2.0]), onp.array([1.0, 1.0]), onp.array([0.5, 1.5]))
    array([ 6., 12.])
    """
    own = grad(_own_share(loss, comm))

    @wraps(loss)
    def hessian_times(params: Any, v: Any, *shard: Any) -> Any:
        with use_communicator(comm):
            copies, along = _copies(params, comm), _copies(v, comm)
            product = jvp(lambda p: own(p, *shard), (copies,), (along,))[1]
            return _sum(product, comm, copies, along)

    return hessian_times


def dp_jvp(loss: Loss, comm: Collectives) -> Callable[..., tuple[Any, Any]]:
    """The function ``(params, v, *shard)`` that returns the mean loss and its derivative along ``v``. Collective.

    In forward mode, so without a tape. For ``loss``, ``comm`` and errors see :func:`dp_value_and_grad`.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> loss = lambda w, x: x * np.sum(w**3)
    >>> dp_jvp(loss, LocalCommunicator())(onp.array([1.0, 2.0]), onp.array([1.0, 1.0]), onp.array([0.5, 1.5]))
    (array(9.), array(15.))
    """
    own = _own_share(loss, comm)

    @wraps(loss)
    def value_and_tangent(params: Any, v: Any, *shard: Any) -> tuple[Any, Any]:
        with use_communicator(comm):
            copies, along = _copies(params, comm), _copies(v, comm)
            value, tangent = _sum(jvp(lambda p: own(p, *shard), (copies,), (along,)), comm, copies, along)
        return value, tangent

    return value_and_tangent


def model_loss(
    model: Module, loss: Callable[..., Any], values: Mapping[str, Any], rng: SampleRng | None = None
) -> tuple[Loss, dict[str, Any]]:
    """A model's loss as a function of its parameters, and those parameters: what the ``dp_`` operators take.

    Parameters
    ----------
    model, loss : as in :class:`Task`: ``loss(model, *batch) -> (losses_N, metrics)``; or losses alone
    values : by path, as ``model.init(seed, "float64")`` gives them: parameters, and buffers, which stay as they are
    rng : for dropout, ``SampleRng(seed, step, first)`` with the position of this rank's first sample in the batch

    Returns
    -------
    ``loss(params, *batch) -> losses_N``, with the model in training mode, and ``params``, a dict by path.

    >>> from ddtrain import nn, ops
    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm(3), nn.Linear(3, 2))
    >>> loss, params = model_loss(model, lambda model, x, y: ops.cross_entropy(model(x), y), model.init(0, "float64"))
    >>> x, y = onp.array([[1.0, 2.0], [0.0, -1.0], [2.0, 0.5]]), onp.array([0, 1, 1])
    >>> value, gradient = dp_value_and_grad(loss, LocalCommunicator())(params, x, y)
    >>> product = dp_hvp(loss, LocalCommunicator())(params, gradient, x, y)
    >>> {name: x.shape for name, x in product.items()}
    {'0.weight': (2, 3), '0.bias': (3,), '1.weight': (3,), '1.bias': (3,), '2.weight': (3, 2), '2.bias': (2,)}
    """
    trained = {name: declaration.trained for name, declaration in model.declarations().items()}
    buffers = {name: values[name] for name, is_trained in trained.items() if not is_trained}

    @wraps(loss)
    def of_params(params: Mapping[str, Any], *batch: Any) -> Any:
        result = loss(model.bind({**params, **buffers}, training=True, rng=rng), *batch)
        return result[0] if isinstance(result, tuple) else result

    return of_params, {name: values[name] for name, is_trained in trained.items() if is_trained}


def _own_share(loss: Loss, comm: Collectives) -> Loss:
    """This rank's part of the mean loss, in float64: the parts of all ranks add up to it."""

    def share(params: Any, *shard: Any) -> Any:
        losses = loss(params, *shard)
        ndim = getattr(losses, "ndim", 0 if isinstance(losses, int | float) else None)
        if ndim not in (0, 1):
            found = kind_of(losses) if ndim is None else f"an array of shape {losses.shape}"
            raise ShapeError(
                f"{called(loss)} returned {found}, where one loss a sample or their sum is wanted",
                remedy="Return losses of shape (N,), not averaged; model_loss leaves a model's metrics out.",
            )
        rows = len(losses) if ndim else _rows(loss, shard)
        return np.sum(losses).astype(onp.float64) / _count(rows, comm)

    return share


def _rows(loss: Loss, shard: tuple[Any, ...]) -> int:
    arrays = [x for x in tree.flatten(shard)[0] if getattr(x, "ndim", 0)]
    if not arrays:
        raise UsageError(
            f"{called(loss)} returned a sum, but no array among its arguments says of how many samples",
            remedy="Return one loss a sample, or pass this rank's samples after the parameters.",
        )
    return len(arrays[0])


def _count(rows: int, comm: Collectives) -> float:
    count = onp.array([float(rows)])
    comm.allreduce(count)
    if not count[0]:
        raise UsageError("no rank has a sample, so there is no mean loss", remedy="Give at least one rank a sample.")
    return float(count[0])


def _copies(x: Any, comm: Collectives) -> Any:
    """Parameters or tangents, as copies that each rank differentiates by itself."""
    return tree.map_leaves(lambda leaf: fan_out(leaf, comm), x)


def _sum(x: Any, comm: Collectives, *copies: Any) -> Any:
    """A structure of arrays, functions of ``copies``, summed over ranks, with one collective a dtype."""
    if comm.size == 1:
        return x
    leaves, rebuild = tree.flatten(x)
    others = tree.flatten(copies)[0]
    for dtype in sorted({leaf.dtype for leaf in leaves}, key=str):
        alike = [k for k, leaf in enumerate(leaves) if leaf.dtype == dtype]
        flat = fan_in(tied(np.concatenate([np.ravel(leaves[k]) for k in alike]), *others), comm)
        ends = onp.cumsum([leaves[k].size for k in alike])
        for k, part in zip(alike, np.split(flat, ends[:-1].tolist()), strict=True):
            leaves[k] = np.reshape(part, leaves[k].shape)
    return rebuild(leaves)
