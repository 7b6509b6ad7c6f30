"""Train a recipe: ``python -m ddtrain.train [RECIPE] [--config run.toml] [--section.key value ...]``.

mpirun -n 4 python -m ddtrain.train                            # the default recipe on four ranks
python -m ddtrain.train digits_mlp --optim.lr 0.05             # one process, no MPI library needed
python -m ddtrain.train --comm.backend threads:4               # the same four ranks under a debugger
python -m ddtrain.train --help
"""

import sys
from collections.abc import Mapping, Sequence

from ddtrain.commands.program import called
from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import Recipe, run


def main(argv: Sequence[str], recipes: Mapping[str, Recipe] = RECIPES) -> int:
    """Train as a command line says; returns the exit code."""
    return run(argv, recipes, prog=called("train"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
