"""Checks that all ranks were given the same options, as soon as the ranks are connected."""

from __future__ import annotations

from ddtrain.comm.protocol import Communicator
from ddtrain.parallel import verify_replicas
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config


def verify_options(config: Config, comm: Communicator, recipe: str = "", *, of_sums: bool = False) -> None:
    """Compare the configurations of all ranks. Collective.

    Parameters
    ----------
    recipe : its name, compared as well
    of_sums : compare only the options that decide which sums are made: ranks that differ in these would wait forever or
        add wrong rows. For steps built without a run, in which other options may differ

    Raises
    ------
    UsageError : on every rank, naming the first option that differs and the ranks that have the rarer value

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> verify_options(Config(), LocalCommunicator(), "digits_mlp")
    """
    options = [option for option in tables.leaves(config) if not of_sums or _decides_sums(option)]
    told = {tables.option(option): repr(tables.lookup(config, option)) for option in options}
    verify_replicas({"recipe": recipe, **told}, comm, "option", remedy="Give every rank the same options.")


def _decides_sums(option: str) -> bool:
    return option in ("run.shards", "run.dtype") or (option.startswith("comm.") and option != "comm.backend")
