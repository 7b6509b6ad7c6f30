"""Train a recipe: ``python -m ddtrain.train [RECIPE] [--config run.toml] [--section.key value ...]``.

mpirun -n 4 python -m ddtrain.train                            # the default recipe on four ranks
python -m ddtrain.train digits_mlp --optim.lr 0.05             # one process, no MPI library needed
python -m ddtrain.train --comm.backend threads:4               # the same four ranks under a debugger
python -m ddtrain.train --help
"""

import sys

from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], RECIPES))
