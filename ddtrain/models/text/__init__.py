"""Models of words and characters, the plainest first.

``nnlm`` (Bengio's), ``recurrent_lm`` and ``glove`` (vectors of words); then transformers: ``gpt`` (a decoder),
``masked_lm`` (an encoder) and ``translator`` (both).
"""
