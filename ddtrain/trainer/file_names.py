"""Names of the files in a checkpoint, and of the exported average in the run's directory."""

MODEL, OPTIM, MEMORY, STATE = "model.safetensors", "optim.safetensors", "memory.safetensors", "state.json"
AVERAGED = "average.safetensors"
