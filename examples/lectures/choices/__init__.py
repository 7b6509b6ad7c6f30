"""Which model, and which options: how to search, and what a more flexible classifier gains."""
