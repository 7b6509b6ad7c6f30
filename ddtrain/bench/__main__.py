"""Measure ddtrain: ``python -m ddtrain.bench COMMAND [--option value ...]``.

    python -m ddtrain.bench step                                  # median step time of every workload
    python -m ddtrain.bench step --workloads tiny_mlp,gpt         # of two
    python -m ddtrain.bench step --peers torch,torch-compile,jax,numpy  # beside those that are installed
    mpirun -n 2 python -m ddtrain.bench step --peers torch        # beside PyTorch's DistributedDataParallel
    python -m ddtrain.bench kernels conv,batch_norm --peers torch # GFLOP/s and GB/s, and what share that is
    python -m ddtrain.bench shards                                # a batch in eight shards, beside one piece
    python -m ddtrain.bench ops --peers autograd                  # derivatives of small functions, beside Autograd's
    python -m ddtrain.bench ops --scaling                         # time and memory of chains of up to a million nodes
    python -m ddtrain.bench optimizers                            # what every optimizer reaches, what its update costs
    python -m ddtrain.bench report RUN --plot step.png            # where the steps of a run with --debug.trace went
    python -m ddtrain.bench scaling mlp,gpt --ranks 1,2,4         # throughput and efficiency on several ranks
    python -m ddtrain.bench overlap --link netns                  # how much of communication computation hides
    python -m ddtrain.bench comm --peers torch                    # sums of 4 B to 64 MB, beside MPI's and gloo's
    python -m ddtrain.bench predict gpt --network 10gbe           # steps on up to 4096 ranks that are not there
    python -m ddtrain.bench step --help

A benchmark is a room of its own, whose ``command.py`` has ``Options`` and ``run``, and a line in ``COMMANDS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddtrain.bench.comm import command as comm_bench
from ddtrain.bench.kernels import command as kernels
from ddtrain.bench.ops import command as ops
from ddtrain.bench.optimizers import command as optimizers
from ddtrain.bench.overlap import command as overlap
from ddtrain.bench.predict import command as predict
from ddtrain.bench.report import command as run_report
from ddtrain.bench.scaling import command as scaling
from ddtrain.bench.shards import command as shards
from ddtrain.bench.step import command as step
from ddtrain.comm import Communicator, launcher, run_ranks
from ddtrain.commands.program import called
from ddtrain.errors import COMPLETED, UsageError
from ddtrain.standard_output import say, tolerant_output
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import options


@dataclass(frozen=True)
class Command:
    """A benchmark: its options with their defaults, what every rank runs, a line of help.

    Attributes
    ----------
    options : among them ``backend``, where more than one rank makes sense
    first : the option that an argument without a name is for
    starts_ranks : whether, without mpirun, it runs in one process, and ``backend`` is for the ranks that it starts
    """

    options: Any
    run: Callable[[Communicator, Any], None]
    about: str
    first: str = ""
    starts_ranks: bool = False


COMMANDS: Mapping[str, Command] = {
    "step": Command(step.Options(), step.run, "median step time a workload, beside eager passes and peers; memory"),
    "kernels": Command(
        kernels.Options(), kernels.run, "kernel by kernel: GFLOP/s or GB/s beside the machine's own, and a peer", "what"
    ),
    "shards": Command(shards.Options(), shards.run, "what it costs that results do not depend on the number of ranks"),
    "ops": Command(ops.Options(), ops.run, "derivatives of small functions, beside a peer; growth with --scaling"),
    "optimizers": Command(
        optimizers.Options(), optimizers.run, "loss and time of every optimizer, and its update beside a copy", "what"
    ),
    "report": Command(
        run_report.Options(),
        run_report.run,
        "where the steps of a traced run went, who is slow, what was hidden",
        "run",
    ),
    "scaling": Command(
        scaling.Options(), scaling.run, "throughput and efficiency on several ranks, and their ceiling", "what", True
    ),
    "overlap": Command(
        overlap.Options(), overlap.run, "how much of communication computation hides", starts_ranks=True
    ),
    "comm": Command(
        comm_bench.Options(), comm_bench.run, "sums over ranks from 4 B to 64 MB, beside MPI's own", starts_ranks=True
    ),
    "predict": Command(
        predict.Options(),
        predict.run,
        "steps on up to thousands of ranks, from a measurement and a model",
        "what",
        True,
    ),
}


def main(argv: Sequence[str]) -> int:
    """Run one benchmark on every rank; returns the exit code."""
    name, *args = [*argv] or ["--help"]
    if {"-h", "--help"} & {name, *args}:
        if launcher().rank == 0:
            say(f"{_help(name)}\n", sys.stdout)
        return COMPLETED
    try:
        command = _command(name)
        if command.first and args and not args[0].startswith("-"):
            args.insert(0, f"--{command.first}")
        chosen: Any = options.convert(command.options, args)
    except UsageError as error:
        return run_ranks("auto", lambda comm: None, refusal=error)
    here = "auto" if command.starts_ranks and launcher().size == 1 else getattr(chosen, "backend", "local")
    return run_ranks(here, lambda comm: command.run(comm, chosen))


def _command(name: str) -> Command:
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        raise UsageError(f"unknown benchmark {name!r}", remedy=f"{hint} There are {', '.join(COMMANDS)}.".strip())
    return COMMANDS[name]


def _help(name: str) -> str:
    if name in COMMANDS:
        first = f" [{COMMANDS[name].first.upper()}]" if COMMANDS[name].first else ""
        usage = f"usage: {called('bench')} {name}{first} [--option value ...]"
        return "\n".join([usage, "", COMMANDS[name].about, "", options.explain(COMMANDS[name].options)])
    wide = max(map(len, COMMANDS))
    table = [f"  {name:{wide}}  {command.about}" for name, command in COMMANDS.items()]
    return "\n".join([f"usage: {called('bench')} COMMAND [--option value ...]", "", *table])


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
