"""What a training run needs from its user: a model, a loss, and data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.comm.protocol import Communicator
from ddtrain.data import ArrayData, Augmented, Dataset, Fitted, fingerprint_of, whole_fingerprint
from ddtrain.data.augment import parse
from ddtrain.data.checksum import SAMPLED
from ddtrain.errors import ShapeError, UsageError, kind_of, quoted
from ddtrain.nn import Module
from ddtrain.parallel import verify_replicas
from ddtrain.trainer.data_field import DataField, GivenData, GivenSets

Loss = Callable[..., Any]  # loss(model, *batch) -> (losses_N, metrics), or losses_N
Outputs = Callable[..., tuple[Any, Any]]  # outputs(model, *batch) -> (outputs, targets)

_READ_S = 1.0  # how long reading all samples may take, for data sets without a checksum of their own
_SAME_DATA = "Give every rank the same data."


def first_and_second(model: Any, *batch: Any) -> tuple[Any, Any]:
    """Outputs and targets of most tasks: what the model makes of the first of a batch, and the second.

    Raises
    ------
    UsageError : there is no second
    """
    if len(batch) < 2:
        raise UsageError(
            f"Task: a batch of {len(batch)} arrays, of which the second should be the targets of report=",
            remedy="Give Task(outputs=lambda model, *batch: (outputs, targets)).",
        )
    return model(batch[0]), batch[1]


@dataclass(frozen=True)
class Task:
    """A model, its loss and its data.

    Parameters
    ----------
    model : unbound; the trainer draws and binds its values
    loss : ``loss(model, *batch) -> (losses_N, metrics)``: one loss a sample, *not averaged* (the trainer divides by the
        number of samples in the global batch, so ragged and empty shards are exact), and per-sample metrics by name,
        e.g. ``{"accuracy": ops.correct(logits, labels)}``; or ``losses_N`` alone
    train, valid : datasets, or tuples of arrays, which become :class:`ArrayData`; ``valid=None`` means no evaluation.
        ``valid`` may be a dict of several by name: then ``valid`` is the first, which decisions watch
    about : a line about the data, shown when the run starts
    derived : further evaluation figures computed from the averages, e.g. ``{"perplexity": lambda m: exp(m["loss"])}``
    fitted : what was fitted to data, by name, such as ``{"inputs": Standardize.fit(data)}``: every checkpoint stores
        it, and a resumed run goes on with what was stored, see :class:`ddtrain.data.Fitted`
    logits : whether the model's outputs are unnormalised log-probabilities over their last axis, and the loss a
        cross-entropy of them: an ensemble then has the mean of its members' probabilities
    test : a data set that no training run touches, read by ``eval`` alone
    report : evaluation figures that are no means, by name: functions of the outputs and the targets of all samples in
        order, such as ``{"f1": metrics.f1, "confusion": metrics.confusion_matrix}``, called on rank 0. A number becomes
        a figure beside the loss, an array goes to RUN/reports
    outputs : ``outputs(model, *batch) -> (outputs, targets)``, both with a row a sample, for ``report`` and for samples
        that are shown; by default what the model makes of the first of a batch, and the second
    show : ``show(*batch)`` -> for each sample what it looks like: a text, or a picture (H, W) or (H, W, 3) of uint8
    class_names : of classes 0, 1, ..., for confusion matrices and samples
    groups : parameter groups, rules as in ``--optim.groups``, such as ``["*.bias: weight_decay=0"]``; those of the
        command line come after them, and so count where both match
    classes : of how many classes the labels are, of which mixup makes soft targets; 0: as many as ``class_names``

    Attributes
    ----------
    valid_sets : all validation data by name; one alone has the name ""

    Raises
    ------
    UsageError : an argument has a wrong type, or a data set is empty

    >>> from ddtrain import nn
    >>> task = Task(nn.Linear(2, 1), lambda model, x, y: (model(x)[:, 0] - y) ** 2, train=(np.ones((3, 2)), np.ones(3)))
    >>> len(task.train)
    3
    """

    model: Module
    loss: Loss
    train: DataField[Dataset, GivenData] = DataField()
    valid: DataField[Dataset | None, GivenSets] = DataField(None)
    about: str = ""
    derived: Mapping[str, Callable[[Mapping[str, float]], float]] = field(default_factory=dict)
    fitted: Mapping[str, Fitted] = field(default_factory=dict)
    logits: bool = False
    test: DataField[Dataset | None, GivenData | None] = DataField(None)
    report: Mapping[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    outputs: Outputs = first_and_second
    show: Callable[..., Sequence[Any]] | None = None
    class_names: Sequence[str] = ()
    groups: Sequence[str] = ()
    classes: int = 0
    valid_sets: Mapping[str, Dataset] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, Module):
            hint = "Make one of the class." if isinstance(self.model, type) else "Derive it from nn.Module."
            raise UsageError(f"Task: model is {kind_of(self.model)}, not an nn.Module", remedy=hint)
        if not callable(self.loss):
            raise UsageError(
                f"Task: loss is {kind_of(self.loss)}, not a function", remedy="Give loss(model, *batch) -> losses_N."
            )
        object.__setattr__(self, "train", _dataset("train", self.train))
        self._set_validation()
        if self.test is not None:
            object.__setattr__(self, "test", _dataset("test", self.test))
        if not isinstance(self.derived, Mapping):
            raise UsageError(
                f"Task: derived is {kind_of(self.derived)}, not a dict of functions",
                remedy='Give figures by name: {"perplexity": lambda means: exp(means["loss"])}.',
            )
        for name, figure in self.derived.items():
            if name == "loss" or not callable(figure):
                raise UsageError(
                    f"Task: derived figure {quoted(name)} is {kind_of(figure)}",
                    remedy="Give functions of the means, under other names than loss.",
                )
        _check_fitted(self.fitted)
        _check_report(self)
        _check_groups(self.groups, self.classes)

    def _set_validation(self) -> None:
        """One data set in ``valid``, and all of them in ``valid_sets``, also in a copy that has another ``valid``."""
        given: Any = self.valid
        if isinstance(given, Mapping):
            sets = {_set_name(name): _dataset(f"valid[{name!r}]", each) for name, each in given.items()}
            if not sets:
                raise UsageError("Task: valid is an empty dict", remedy="Give data sets by name, or valid=None.")
        elif given is not None and given is next(iter(self.valid_sets.values()), None):
            return
        else:
            sets = {} if given is None else {"": _dataset("valid", given)}
        object.__setattr__(self, "valid", next(iter(sets.values()), None))
        object.__setattr__(self, "valid_sets", sets)


def _set_name(name: Any) -> str:
    """The name of a validation set, which its figures have: ``valid_NAME_loss``."""
    if not isinstance(name, str) or not name.isidentifier():
        raise UsageError(
            f"Task: valid has the name {quoted(name)}", remedy="Give letters, digits and underscores: near, far_2."
        )
    return name


def _check_report(task: Task) -> None:
    if not isinstance(task.report, Mapping):
        raise UsageError(
            f"Task: report is {kind_of(task.report)}, not a dict of functions",
            remedy='Give figures by name: {"f1": metrics.f1}.',
        )
    for name, figure in task.report.items():
        named = isinstance(name, str) and name.isidentifier() and name != "loss" and name not in task.derived
        if not named or not callable(figure):
            raise UsageError(
                f"Task: report {quoted(name)} is {kind_of(figure)}",
                remedy="Give functions of outputs and targets, by names of letters, other than loss and the derived.",
            )
    for option, given in (("outputs", task.outputs), ("show", task.show or first_and_second)):
        if not callable(given):
            raise UsageError(f"Task: {option} is {kind_of(given)}, not a function", remedy="Give a function, or none.")


def _check_groups(groups: Any, classes: Any) -> None:
    if isinstance(groups, str) or not all(isinstance(rule, str) for rule in groups):
        raise UsageError(
            f"Task: groups {quoted(groups)} is no list of rules",
            remedy='Give some: groups=["*.bias: weight_decay=0"].',
        )
    if type(classes) is not int or classes < 0:
        raise UsageError(
            f"Task: classes {quoted(classes)} is no number of classes", remedy="Give an integer, 0 or more."
        )


def _check_fitted(fitted: Any) -> None:
    if not isinstance(fitted, Mapping):
        raise UsageError(
            f"Task: fitted is {kind_of(fitted)}, not a dict",
            remedy='Give what was fitted by name: {"inputs": standardize}.',
        )
    for name, each in fitted.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise UsageError(f"Task: fitted has the name {quoted(name)}", remedy="Give it a name without a slash.")
        if isinstance(each, type) or not (hasattr(each, "state_dict") and hasattr(each, "load_state_dict")):
            raise UsageError(
                f"Task: fitted {quoted(name)} is {kind_of(each)}, which cannot be stored",
                remedy="Give an object with state_dict() and load_state_dict(state).",
            )


def _dataset(name: str, given: Any) -> Dataset:
    """The given data set, or an :class:`ArrayData` of the given arrays."""
    if isinstance(given, np.ndarray):
        given = (given,)
    if isinstance(given, tuple) and given and all(isinstance(x, np.ndarray) for x in given):
        given = ArrayData(*given)
    if isinstance(given, type) or not callable(getattr(given, "batch", None)) or not hasattr(given, "__len__"):
        raise UsageError(
            f"Task: {name} is {kind_of(given)}, not a data set",
            remedy="Give ddtrain.ArrayData(x, y), or an object with __len__() and batch(indices).",
        )
    if not len(given):
        kind = {"train": "training", "test": "test"}.get(name, "validation")
        instead = "" if name == "train" else f", or none: {'valid' if kind == 'validation' else name}=None"
        raise UsageError(f"the {kind} data is empty", remedy=f"Give it at least one sample{instead}.")
    dataset: Dataset = given
    return dataset


def build_task(build: Callable[[Any], Any], config: Any) -> Task:
    """The task that ``build`` makes of a configuration.

    Raises
    ------
    UsageError : ``build`` returns something else, or nothing

    >>> build_task(lambda config: None, config=None)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: <lambda> returned nothing where a Task is wanted
      Return ddtrain.Task(model, loss, train=..., valid=...).
    """
    task = build(config)
    if not isinstance(task, Task):
        raise UsageError(
            f"{getattr(build, '__name__', 'build')} returned {kind_of(task)} where a Task is wanted",
            remedy="Return ddtrain.Task(model, loss, train=..., valid=...).",
        )
    return task


def augmented(task: Task, text: str) -> Task:
    """The task with its training samples augmented as a text says; the task itself if it says nothing.

    Raises
    ------
    UsageError : the text names no augmentations, or they cannot be applied to the samples

    >>> from ddtrain import nn
    >>> task = Task(nn.Linear(2, 1), lambda model, x: model(x)[:, 0], train=(np.ones((3, 2)),))
    >>> augmented(task, "flip")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --data.augment 'flip': augment: flip takes images (N, H, W, C), not ... of shape (1, 2)
      Give it images, before they are flattened, or leave it out.
    """
    if not text:
        return task
    stages = [stage.of_classes(task.classes or len(task.class_names)) for stage in parse(text)]
    try:
        train = Augmented(task.train, stages)
        train.training_batch(np.arange(1), seed=0, epoch=0)  # what cannot be applied is said before the first step
    except (ShapeError, UsageError) as error:
        raise UsageError(f"--data.augment {quoted(text)}: {error.message}", remedy=error.remedy) from None
    return replace(task, train=train)


def describe_data(dataset: Dataset | None) -> str:
    """A data set's number of samples and checksum (its own, or one of some samples), in words.

    >>> describe_data(ArrayData(np.arange(3.0)))
    '3 samples with checksum 34d9082a'
    """
    if dataset is None:
        return "none"
    checksum = fingerprint_of(dataset)
    return f"{len(dataset)} samples" + (f" with checksum {checksum}" if checksum else "")


def verify_same_data(comm: Communicator, task: Task, test: bool = False) -> str:
    """Check that all ranks have the same data, and describe the training data for checkpoints. Collective.

    A data set without a checksum of its own is read completely if that takes no longer than ``_READ_S``. The test data
    is read only if ``test`` says so.

    Raises
    ------
    UsageError : on all ranks, if their data differ
    """
    began = perf_counter()
    known = {"for training": task.train, **_of_validation(task), **({"for tests": task.test} if test else {})}
    seen = {name: describe_data(dataset) for name, dataset in known.items()}
    took_s = perf_counter() - began
    verify_replicas(seen, comm, "data", remedy=_SAME_DATA)
    unread = {
        name: dataset
        for name, dataset in known.items()
        if dataset is not None and not hasattr(dataset, "fingerprint") and "checksum" in seen[name]
    }
    whole_s = took_s * sum(map(len, unread.values())) / (2 * SAMPLED)
    if comm.size > 1 and unread and comm.exchange_objects(whole_s < _READ_S)[0]:
        whole = {name: f"{len(x)} samples with checksum {whole_fingerprint(x)}" for name, x in unread.items()}
        verify_replicas(whole, comm, "data", remedy=_SAME_DATA)
    return seen["for training"]


def _of_validation(task: Task) -> dict[str, Dataset | None]:
    """The validation data by what it is called in messages: all sets, the first as ever."""
    others = list(task.valid_sets)[1:]
    return {"for validation": task.valid, **{f"for validation, {name}": task.valid_sets[name] for name in others}}
