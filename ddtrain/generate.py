"""Write text with a language model that a run has trained: ``ddtrain generate RUN [options]``

ddtrain generate runs/shakespeare_gpt-... --prompt "HAMLET." --length 500 --temperature 0.8 --seed 3

Each token is drawn from the model's probabilities after the prompt and what has been written so far, of which it sees
as much as it was trained on; all of it, if it was trained with --model.carry. Characters go on where the prompt ends;
words are in lower case. The same seed writes the same text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import rng
from ddtrain.commands.command import make_parser, run_command
from ddtrain.errors import UsageError, quoted
from ddtrain.recipes import RECIPES
from ddtrain.recipes.language import LanguageTask
from ddtrain.recipes.trained import load_trained
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer.main import Recipe


def generate(
    task: LanguageTask, model: Any, tokens: Sequence[int], length: int, temperature: float, top_k: int, seed: int
) -> Iterator[int]:
    """Tokens that go on where others end, one after another.

    Parameters
    ----------
    task, model : of a language model, the model bound to its values
    tokens : before the first new one, at least one
    length : how many to draw
    temperature : of the softmax: below 1 likelier tokens become still likelier; 0: always the likeliest
    top_k : draw from the likeliest only; 0: from all
    seed : of the draws
    """
    draws = rng.stream(seed, "generate")
    latest, state = list(tokens), None
    for _ in range(length):
        logits, state = task.go_on(model, latest, state)
        scores = np.array(logits, np.float64)
        scores[0] = -np.inf  # what the vocabulary lacks cannot be written
        latest = [draw(scores, temperature, top_k, draws)]
        yield latest[0]


def draw(scores_V: Any, temperature: float, top_k: int, draws: np.random.Generator) -> int:
    """One of V tokens by its score; every call takes one number, so that what follows stays comparable.

    >>> draw(np.array([0.0, 2.0, 1.0]), 0.0, 0, rng.stream(0, "generate"))
    1
    """
    chance = draws.random()
    if temperature == 0:
        return int(np.argmax(scores_V))
    order = np.argsort(-scores_V, kind="stable")[: top_k or None]
    likely = np.exp((scores_V[order] - scores_V[order[0]]) / temperature)
    bounds = np.cumsum(likely)
    return int(order[min(np.searchsorted(bounds, chance * bounds[-1], side="right"), len(order) - 1)])


def main(argv: Sequence[str], recipes: Mapping[str, Recipe] = RECIPES) -> int:
    """Write the text of a command line; returns the exit code."""
    parser = make_parser("generate", __doc__ or "")
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("--prompt", default="", help="what the text begins with")
    parser.add_argument("--length", type=int, default=200, help="characters or words to write (%(default)s)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0: always the likeliest (%(default)s)")
    parser.add_argument("--top-k", type=int, default=0, help="draw from so many of the likeliest; 0: from all")
    parser.add_argument("--seed", type=int, default=0, help="another seed writes another text (%(default)s)")
    parser.add_argument("--checkpoint", default="best", help="best, last, or a path (%(default)s)")
    return run_command(parser, argv, lambda given: _write(given, recipes))


def _write(given: argparse.Namespace, recipes: Mapping[str, Recipe]) -> None:
    _check(given)
    trained = load_trained(given.run, given.checkpoint, recipes)
    if not isinstance(trained.task, LanguageTask):
        raise UsageError(
            f"{given.run}: recipe {trained.recipe} is no language model", remedy="Give a run of one that is."
        )
    say(_text(trained.task, trained.model, given) + "\n", sys.stdout)


def _check(given: argparse.Namespace) -> None:
    for option, value, good in (
        ("--length", given.length, given.length >= 1),
        ("--temperature", given.temperature, 0 <= given.temperature < float("inf")),
        ("--top-k", given.top_k, given.top_k >= 0),
        ("--seed", given.seed, given.seed >= 0),
    ):
        if not good:
            raise UsageError(f"{option} {value} is out of range", remedy=f"Give {_RANGES[option]}.")


_RANGES = {
    "--length": "1 or more",
    "--temperature": "a finite number, 0 or more",
    "--top-k": "0 (all) or more",
    "--seed": "0 or more",
}


def _text(task: LanguageTask, model: Any, given: argparse.Namespace) -> str:
    vocabulary = task.vocabulary
    prompt = task.tokenize(given.prompt)
    before = vocabulary.encode(prompt or task.tokenize(task.start)).tolist()
    if prompt and not any(before):
        raise UsageError(
            f"--prompt {quoted(given.prompt)}: the model knows none of it", remedy="Give words of the plays."
        )
    new = generate(task, model, before, given.length, given.temperature, given.top_k, given.seed)
    return task.join([*prompt, *vocabulary.decode(new)])


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
