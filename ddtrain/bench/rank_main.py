"""What mpirun starts for ``mpirun.py``: ``python -m ddtrain.bench.rank_main NAME BACKEND SETTINGS FILE``.

Every rank runs the job; rank 0 writes what all ranks returned into the file.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence

from ddtrain.comm import Communicator, run_ranks
from ddtrain.standard_output import tolerant_output
from ddtrain.trainer.atomic_files import write_json


def main(argv: Sequence[str]) -> int:
    """Run one job on every rank; returns the exit code."""
    name, backend, settings, file = argv
    run = importlib.import_module(f"ddtrain.bench.{name}.job").run

    def rank(comm: Communicator) -> None:
        found = comm.exchange_objects(run(comm, **json.loads(settings)))
        if comm.rank == 0:
            write_json(file, found)

    return run_ranks(backend, rank)


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
