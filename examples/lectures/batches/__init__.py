"""How many samples a step is taken by, and what that does to the minimum that is found and to the learning rate."""
