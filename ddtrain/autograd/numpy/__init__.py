"""Autograd's ``autograd.numpy``."""
