"""Contestants: what a trainer must offer to be measured (``registry``), ours, and PyTorch's."""
