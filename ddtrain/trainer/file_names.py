"""Names of the files in a checkpoint, and of the exported average in the run's directory."""

MODEL, OPTIM, MEMORY, STATE = "model.safetensors", "optim.safetensors", "memory.safetensors", "state.json"
FITTED, POPULATION = "fitted.safetensors", "population.safetensors"
# of a snapshot's tensors those that may be none, and have no file then
OPTIONAL = {"memory": MEMORY, "fitted": FITTED, "population": POPULATION}
AVERAGED = "average.safetensors"
