"""Which words a GloVe run takes for alike: python examples/nearest_words.py RUN [WORD ...]

    python -m ddtrain.train shakespeare_glove --run.dir runs/glove
    python examples/nearest_words.py runs/glove king sword

A word's nearest are those whose vectors have the largest cosine with its own.
"""

from __future__ import annotations

import sys

from ddtrain.data import nearest
from ddtrain.errors import DdtrainError
from ddtrain.models import Glove
from ddtrain.recipes.shakespeare.glove import VectorsTask
from ddtrain.recipes.trained import load_trained

WORDS = [
    *("king", "queen", "father", "daughter", "love", "death", "blood", "sword", "heart", "eyes"),
    *("night", "day", "rome", "money", "good", "i", "come", "speak", "three", "."),
]


def main(argv: list[str]) -> int:
    """Print a line for each word; returns the exit code."""
    if not argv:
        print(__doc__)
        return 2
    try:
        trained = load_trained(argv[0], checkpoint="last", kind=VectorsTask)
    except DdtrainError as error:
        print(f"error: {error.one_line}", file=sys.stderr)
        return error.exit_code
    task, model = trained.task, trained.model
    assert isinstance(task, VectorsTask)
    assert isinstance(model, Glove)
    vectors, vocabulary = model.vectors(), task.vocabulary
    for word in argv[1:] or WORDS:
        number = int(vocabulary.encode([word])[0])
        alike = vocabulary.decode(nearest(vectors, number)) if number else ["(not in the vocabulary)"]
        print(f"{word:10} {' '.join(alike)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
