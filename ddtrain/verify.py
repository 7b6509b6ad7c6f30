"""The former name of ``python -m ddtrain.checkpoint verify``, for one release."""

from __future__ import annotations

import sys

from ddtrain.checkpoint import main
from ddtrain.streams import say, tolerant_output

if __name__ == "__main__":
    with tolerant_output():
        say("ddtrain: warning: this is python -m ddtrain.checkpoint verify now\n", sys.stderr)
        code = main(["verify", *sys.argv[1:]])
    sys.exit(code)
