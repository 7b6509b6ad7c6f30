"""Learning to learn: gradient descent on the schedule of a training, and on the optimizer itself."""
