"""What a method of the whole batch needs of data, model and machine, looked at before the first step.

Such a method compares losses and gradients of different steps, so its objective has to stay the same from step to step:
the same samples, and no random numbers, unless ``--optim.minibatch`` says that it may not. A trial on a few samples
tells which random numbers the model draws, and whether its derivatives can be had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.comm import run_on_all
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.protocol import Communicator, Node
from ddtrain.errors import MissingRuleError, UsageError, quoted
from ddtrain.memory import memory_of_machine
from ddtrain.nn import Module
from ddtrain.ops import use_communicator
from ddtrain.optim import BatchMethod
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.step.forward_pass import ForwardPass
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.step.trial_passes import TrialPasses

_SAMPLES = 8  # of a trial: enough for batch-norm


def check_same_samples(formula: BatchMethod, train: data.Dataset, config: Config) -> None:
    """Refuse training data of which a step sees other samples, or the same ones in another form.

    Raises
    ------
    UsageError : a batch is not the whole set, or the samples are augmented
    """
    if formula.minibatch:
        return
    samples, batch_size = len(train), config.data.batch_size
    if batch_size < samples:
        raise UsageError(
            f"--optim.name {formula.name} wants the same samples in every step, but --data.batch-size "
            f"{batch_size} takes some of {samples:,}",
            remedy=f"Give --data.batch-size {samples}, or --optim.minibatch to let it be.",
        )
    if hasattr(train, "training_batch"):
        asked = config.data.augment
        what = f"--data.augment {quoted(asked)}" if asked else f"the training data ({type(train).__name__})"
        raise UsageError(
            f"--optim.name {formula.name} wants the same samples in every step, but {what} changes them from epoch to "
            "epoch",
            remedy="Leave it out, or give --optim.minibatch to let it be.",
        )


def check_size(formula: BatchMethod, n: int, config: Config, comm: Communicator, node: Node) -> None:
    """Let the method refuse ``n`` parameters, as every rank of a machine has all of its vectors. Collective.

    Raises
    ------
    UsageError : on all ranks, with what they would take
    """
    itemsize, memory = np.dtype(config.run.dtype).itemsize, memory_of_machine() // node.size
    run_on_all(comm, lambda: formula.check_size(n, itemsize, memory))


def check_model(train_step: TrainStep, formula: BatchMethod) -> None:
    """Try the forward pass of a few samples, and a product with the matrix that the method needs. Collective.

    Every rank tries the same samples. Other errors than those below are left to the step that will say their place.

    Raises
    ------
    UsageError : on all ranks, if the model draws random numbers in training, or one of its operations has no forward
        mode
    """
    if not formula.minibatch or formula.matrix:
        run_on_all(train_step.comm, lambda: _try(train_step, formula))


def _try(train_step: TrainStep, formula: BatchMethod) -> None:
    rows, store, drawn = np.arange(min(len(train_step.task.train), _SAMPLES)), train_step.store, ""
    try:
        with use_communicator(LocalCommunicator()), np.errstate(all="ignore"):
            forward = train_step.forward_pass(0, rows, 0, len(rows), store.dtype)
            forward(store.with_parameters(store.value_views))
            drawn = forward.drawn
            if formula.matrix:
                _product(TrialPasses(train_step, 0, rows), formula, forward, store.value_views)
    except MissingRuleError as error:
        raise _no_forward_mode(formula, error) from None
    except Exception:  # the step will say it, and its place
        pass
    if drawn and not formula.minibatch:
        raise UsageError(
            f"--optim.name {formula.name} wants the same loss in every step, but "
            f"{_drawer(train_step.task.model, drawn)} draws random numbers in training",
            remedy="Set its rate to 0 (--model.dropout 0 in recipes that have it), or give --optim.minibatch to let it "
            "be.",
        )


def _product(passes: TrialPasses, formula: BatchMethod, forward: ForwardPass, leaves: Any) -> None:
    passes.product_of_one_shard(formula.matrix, forward, [np.ones_like(leaf) for leaf in leaves])


def _no_forward_mode(formula: BatchMethod, error: MissingRuleError) -> UsageError:
    operation, at = error.place.get("operation"), {k: v for k, v in error.place.items() if k == "layer"}
    lacks = f", which operation {quoted(operation)} lacks" if operation else f": {error.message}"
    other = "" if formula.name == "hessian_free" else "--optim.name hessian_free "
    return UsageError(
        f"--optim.name {formula.name} needs forward mode{lacks}",
        remedy=f"Give it its Jacobian or a JVP rule, or take {other}--optim.products difference.",
        **at,
    )


def _drawer(model: Module, purpose: str) -> str:
    """What draws random numbers for a purpose such as 'dropout/head.dropout'."""
    _, slash, path = purpose.partition("/")
    module = dict(_modules(model, "")).get(path)
    if module is None or not slash:
        return f"the loss or the model, for {quoted(purpose)},"
    rate = getattr(module, "rate", None)
    kind = type(module).__name__ + (f", rate {rate}" if rate is not None else "")
    return f"layer {quoted(path)} ({kind})" if path else kind


def _modules(module: Module, path: str) -> Iterator[tuple[str, Module]]:
    yield path, module
    for name, child in module.children():
        yield from _modules(child, f"{path}.{name}" if path else name)
