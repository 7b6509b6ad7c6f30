"""Names of the files in a checkpoint."""

MODEL, OPTIM, MEMORY, STATE = "model.safetensors", "optim.safetensors", "memory.safetensors", "state.json"
