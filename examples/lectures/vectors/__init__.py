"""Vectors of many dimensions, in which words lie."""
