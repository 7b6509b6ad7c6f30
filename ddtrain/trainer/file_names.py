"""Names of the files in a run's directory, in a checkpoint, and of those by which a search is known."""

CONFIG, STATUS, LOG, SUMMARY = "config.toml", "status.json", "metrics.jsonl", "summary.json"
TRACE, AVERAGED, LR_RANGE, PLAN = "trace.json", "average.safetensors", "lr_range.json", "plan.txt"
REPORTS, SAMPLES = "reports", "samples.json"
MODEL, OPTIM, MEMORY, STATE = "model.safetensors", "optim.safetensors", "memory.safetensors", "state.json"
FITTED, POPULATION = "fitted.safetensors", "population.safetensors"
# of a snapshot's tensors those that may be none, and have no file then
OPTIONAL = {"memory": MEMORY, "fitted": FITTED, "population": POPULATION}
SEARCH, SEARCH_PAGE, TRIALS = "search.json", "search.html", "trials"


def trial_name(trial: int) -> str:
    """The directory of a search's trial, in ``TRIALS``.

    >>> trial_name(3)
    '003'
    """
    return f"{trial:03d}"
