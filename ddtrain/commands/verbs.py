"""Which verbs there are, each a module with a function ``main`` that is loaded when it is called for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from ddtrain.errors import UsageError, quoted
from ddtrain.suggestions import did_you_mean

if TYPE_CHECKING:  # it is loaded with the verbs that have recipes
    from ddtrain.trainer.main import Recipe


@dataclass(frozen=True)
class Verb:
    """A verb: the module that does it, a line for the help, and whether it asks what recipes there are."""

    module: str
    about: str
    of_recipes: bool = True

    def __call__(self, argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
        """Do it as a command line says; returns the exit code."""
        main = import_module(self.module).main
        code: int = main(argv, recipes) if self.of_recipes else main(argv)
        return code


VERBS: Mapping[str, Verb] = {
    "train": Verb("ddtrain.train", "train a recipe; what is done where no verb is given"),
    "check": Verb("ddtrain.commands.check", "try a job before the queue is waited for: layers, ranks, resume, time"),
    "search": Verb("ddtrain.commands.search", "search options: grid, random, successive halving, coarse to fine"),
    "predict": Verb("ddtrain.commands.predict", "a run's predictions for the samples of a file"),
    "export": Verb("ddtrain.commands.export", "a run's model as safetensors, npz or ONNX"),
    "eval": Verb("ddtrain.eval", "evaluate what runs have trained, alone or as an ensemble"),
    "show": Verb("ddtrain.commands.show", "show how a run is, or follow it while it goes on"),
    "report": Verb("ddtrain.commands.report", "write one HTML file on a run, or on several laid over one another"),
    "diagnose": Verb("ddtrain.commands.diagnose", "look into a run: its layers, curvature, landscape and gradients"),
    "generate": Verb("ddtrain.generate", "write text with a language model that a run has trained"),
    "checkpoint": Verb("ddtrain.checkpoint", "verify, list or show checkpoints", of_recipes=False),
    "doctor": Verb("ddtrain.commands.doctor", "look at the machine: versions, cores, memory, MPI", of_recipes=False),
    "bench": Verb("ddtrain.bench.__main__", "measure steps, sums, scaling", of_recipes=False),
}


COMPLETION = Verb("ddtrain.commands.completion", "print a script for a shell that completes command lines")


def chosen(name: str, recipes: Iterable[str] = ()) -> Verb:
    """The verb of a name.

    Parameters
    ----------
    recipes : names that might have stood in its place

    Raises
    ------
    UsageError : there is none, with the nearest verb or recipe
    """
    if name not in VERBS:
        hint = did_you_mean(name, [*VERBS, *recipes])
        raise UsageError(f"unknown verb {quoted(name)}", remedy=f"{hint} There are {', '.join(VERBS)}.".lstrip())
    return VERBS[name]


def overview(program: str) -> str:
    """The help on all verbs.

    >>> print(overview("ddtrain"))
    usage: ddtrain [VERB] [...]
    ...
    """
    wide = max(map(len, VERBS))
    lines = [f"  {name:{wide}}  {verb.about}" for name, verb in VERBS.items()]
    explained = f"{program} VERB --help explains a verb."
    general = "--version prints the version, --completion bash|zsh|fish a script that completes command lines."
    return "\n".join([f"usage: {program} [VERB] [...]", "", *lines, "", explained, general])
