"""Recipes on nine plays: of words ``nnlm``, ``glove`` and ``masked``, of characters ``char`` and ``gpt``."""
