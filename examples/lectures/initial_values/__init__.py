"""What comes in and out of layers at first: variances through fifty of them, gradients back, and activations' means."""
