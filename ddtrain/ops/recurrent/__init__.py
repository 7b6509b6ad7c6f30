"""Recurrent networks over whole sequences, each as one step of a trace: back-propagation through time.

Their arguments ``a`` are what the inputs bring to each position, one linear map of all of them before. ``rnn`` is the
plainest; ``gru`` and ``lstm`` have gates. ``shapes`` has what they check alike.
"""

from ddtrain.ops.recurrent.gru import gru
from ddtrain.ops.recurrent.lstm import lstm
from ddtrain.ops.recurrent.rnn import rnn

__all__ = ["gru", "lstm", "rnn"]
