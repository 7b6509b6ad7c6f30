"""Names of the files in a run's directory, and in a checkpoint."""

CONFIG, STATUS, LOG, SUMMARY = "config.toml", "status.json", "metrics.jsonl", "summary.json"
TRACE, AVERAGED = "trace.json", "average.safetensors"
MODEL, OPTIM, MEMORY, STATE = "model.safetensors", "optim.safetensors", "memory.safetensors", "state.json"
