"""Which line of the user's an error comes from."""

from __future__ import annotations

import os
from types import TracebackType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MODELS = tuple(_PACKAGE + folder + os.sep for folder in ("models", "recipes"))  # read and changed like a user's own


def is_user_file(path: str) -> bool:
    """Whether a source file is the user's (or a model or recipe), not part of the machinery."""
    return not path.startswith(_PACKAGE) or path.startswith(_MODELS)


def user_line(trace: TracebackType | None) -> str:
    """``file.py:31`` of the innermost user frame, or "" when there is none."""
    found = ""
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if is_user_file(path) and not path.startswith("<"):
            found = f"{os.path.basename(path)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
