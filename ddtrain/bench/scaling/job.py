"""What each rank of ``bench scaling`` measures: steps of the real run, of the null run and of a peer, by turns.

Note [Null ceiling]
The ceiling of N ranks is what N processes do that start together and never speak: each trains with ``null:N``, so that
its batch is a rank's and communication is free, while the others compete with it for caches and memory as ranks do.
They are the ranks themselves: turns of the real run and of the null run follow each other within a second, in the same
processes, so that a machine that becomes slower is slower for both. A null run keeps all parameters and updates them
all, where ranks that share a node's memory update a part each: it can be slower than the real run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from ddtrain.bench import trainables
from ddtrain.bench.model_collectives import listening
from ddtrain.bench.peers import registry as other_trainers
from ddtrain.bench.peers.ddtrain_steps import Ours, training
from ddtrain.bench.peers.joining import Joins
from ddtrain.bench.timing import Contestant, Turn, steps_in_a_turn, turn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.trainer.loop import Trainer

TURN_S = 0.25  # seconds; long enough for many switches between processes, too short for the machine to change speed
_WARM_UP = 3  # steps
_FEWEST = 2  # fewest steps in a turn


def run(
    comm: Communicator, subject: str, batch: int, mode: str, seconds: float, peers: str = "", null: bool = True
) -> dict[str, Any]:
    """This rank's turns, by contestant; and facts about the job. Collective.

    Parameters
    ----------
    subject, batch, mode : see ``trainables.py``
    seconds : of turns of each contestant
    peers : trainers beside ours, separated by commas
    null : whether the ceiling is measured, too (Note [Null ceiling])
    """
    job = trainables.find(subject, batch)
    config, task = job.config_of(mode, comm.size), job.task(comm.size)
    with ExitStack() as stack:
        trainer = stack.enter_context(training(comm, subject, config, task))
        contestants: dict[str, Contestant] = {"ours": steps_of(trainer)}
        if null:
            alone = stack.enter_context(training(NullCommunicator(comm.size), subject, config, task))
            contestants["null"] = steps_of(alone)
        if others := other_trainers.choose(peers, comm):
            joins = Joins(comm, subject, job.workload_of(mode, comm.size), Ours(trainer))
            contestants |= {name: joins.opened(name, peer, stack) for name, peer in others.items()}
        with listening(trainer) as calls:
            trainer.take_step()
        return {
            "batch": config.data.batch_size,
            "parameters": trainer.store.values.size,
            "gradient_bytes": trainer.store.values.nbytes,
            "trace_calls": len(calls),
            "trace_bytes": sum(call.nbytes for call in calls),
            "turns": _by_turns(comm, contestants, seconds),
        }


def steps_of(trainer: Trainer) -> Contestant:
    """Whole steps, with the seconds of their parts and those spent blocked in communication."""
    train_step = trainer.train_step

    def step() -> dict[str, float]:
        blocked_s = train_step.waited_s
        trainer.take_step()
        return {**train_step.timer.seconds, "blocked": train_step.waited_s - blocked_s}

    return step


def _by_turns(comm: Communicator, contestants: Mapping[str, Contestant], seconds: float) -> dict[str, list[Turn]]:
    steps = {name: steps_in_a_turn(comm, step, TURN_S, _WARM_UP, _FEWEST) for name, step in contestants.items()}
    found: dict[str, list[Turn]] = {name: [] for name in contestants}
    for _ in range(max(1, round(seconds / TURN_S))):
        for name, step in contestants.items():
            found[name].append(turn(step, steps[name], comm.barrier))
    return found
