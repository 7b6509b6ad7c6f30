"""Search: which options give the best model, tried by many runs at the same time.

Read ``methods`` (which trials, and how long: a generator of stages), ``space`` and ``ranges`` (what is searched),
``trials`` (legs and outcomes) and ``judge``; then ``study`` (the order of execution), ``stages`` and ``groups`` (ranks
divided, trials claimed), ``training`` (one leg as an ordinary run). ``apart`` keeps the test set for the end,
``narrowing`` says where to look next, ``ensemble`` evaluates the winners; ``search_directory`` keeps what was found,
``report/`` shows it. ``settings`` checks what a user asks for; ``call`` is the search from Python.
"""

from ddtrain.search.call import Search, search
from ddtrain.search.trials import Outcome

__all__ = ["Outcome", "Search", "search"]
