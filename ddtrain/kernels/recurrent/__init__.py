"""Recurrent networks over whole sequences: the part that has to go position by position.

What the inputs bring to each position is computed before, in one product for all; what the hidden state brings is
added here. ``rnn`` is the plainest; ``gru`` and ``lstm`` have gates. Each gives the answer and what backward needs.
"""
