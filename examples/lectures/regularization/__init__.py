"""What keeps a network from learning its training samples by heart, and how it does."""
