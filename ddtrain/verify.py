"""The former name of ``python -m ddtrain.checkpoint verify``, for one release."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ddtrain import checkpoint
from ddtrain.standard_output import say, tolerant_output


def main(argv: Sequence[str]) -> int:
    """Verify what the arguments name; returns the exit code."""
    say("ddtrain: warning: this is python -m ddtrain.checkpoint verify now\n", sys.stderr)
    return checkpoint.main(["verify", *argv])


if __name__ == "__main__":
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)
