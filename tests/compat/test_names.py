"""Every public name of HIPS Autograd 1.9 is here under the same name, or its absence has a reason.

``names.json`` holds Autograd's names by module: facts, so that Autograd need not be installed. To write the file anew:
``python tests/compat/test_names.py``, where it is.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest

NAMES = Path(__file__).parent / "names.json"
FACADES = ("autograd", "autograd.core", "autograd.extend", "autograd.misc", "autograd.tracer")  # what else is imported


def public(module):
    """The names that ``module`` offers: no modules, nothing of Python's own, and what it imports if a façade."""

    def offered(name, x):
        home = getattr(x, "__module__", None) or ""
        if name.startswith("_") or isinstance(x, types.ModuleType) or home.split(".")[0] in sys.stdlib_module_names:
            return home == "builtins" and isinstance(x, type) and name not in ("partial", "repeat")
        elsewhere = home.startswith("autograd.") and home != module.__name__
        # a wrapped function of NumPy's or SciPy's is a closure of the tracer
        return not elsewhere or module.__name__ in FACADES or getattr(x, "__qualname__", "").endswith("f_wrapped")

    return sorted(name for name, x in vars(module).items() if offered(name, x))


# What is absent, as patterns of "module.name", and why no program needs it. Where a program might, the module itself
# answers with what to use instead, see ddtrain/autograd/_absent.py.
ABSENT = {
    r"numpy\.numpy_wrapper\..*": "the names of numpy once more, by which they are wrapped",
    r"(numpy|scipy)(\.\w+)*\.((fwd_|make_)?grad_\w+|covgrad|make_gammainc_\w+)": "a rule; ours are in the registry",
    r"numpy\.(linalg|fft|numpy_vjps)\.\w+_(grad|gradmaker|vjp|vjp_\d|jvp)": "a rule; ours are in the registry",
    r"numpy\.numpy_jvps\..*": "rules of Autograd's, and what they share",
    r"numpy\.numpy_vspaces\..*": "a class for each kind of value; extend.VSpace is one for all",
    r"numpy\.numpy_boxes\.(type_|method_name|diff_methods|nondiff_methods|trace_primitives_map)": "loop variables",
    r"numpy\.(array_from_args|concatenate_args|custom_where)": "how array, concatenate and where are wrapped",
    r"numpy\.(metadata|parse_einsum_input|notrace_functions|numpy_version)": "tools of the wrapping",
    r"numpy\.(fft|linalg)\.test": "NumPy's own test runner",
    r"numpy\.fft\.(check|get|make|truncate)_.*": "helpers of its rules",
    r"numpy\.linalg\.(T|add2d)": "helpers of its rules",
    r"numpy\.numpy_vjps\.(fun|.*_adjoint_\d|nograd_functions|untake|wrapped_reshape)": "helpers of its rules",
    r"numpy\.numpy_vjps\.(reverse_axis|unpermuter)": "helpers of its rules",
    r"numpy\.numpy_vjps\.(repeat_to_match_shape|unbroadcast|unbroadcast_einsum)": "the walkers fit cotangents",
    r"scipy\.integrate\.argnums_unpack": "a helper of its rule",
    r"scipy\.signal\.(as_strided|compute_conv_size|einsum_tensordot|flipped_idxs|parse_axes)": "helpers of its rule",
    r"scipy\.special\.(inv_)?root_pi": "a constant of its rules",
    r"scipy\.stats\.(beta\.beta|gamma\.gamma|\w+\.psi)": "functions that its rules import",
    r"scipy\.stats\.multivariate_normal\.(solve|generalized_outer_product)": "helpers of its rules",
    r"misc\.flatten\.type": "imported there; it is in builtins",
}


def here(module):
    """Our module of the same name; of SciPy's, only where that is installed."""
    if module.startswith("autograd.scipy"):
        pytest.importorskip("scipy")
    return importlib.import_module(f"ddtrain.{module}")


def why_absent(module, name):
    return next((p for p in ABSENT if re.fullmatch(p, f"{module}.{name}".removeprefix("autograd."))), None)


def imported(module, name):
    """What ``from module import name`` gives, or the message it answers with."""
    try:
        exec(f"from {module.__name__} import {name} as found", names := {})
    except ImportError as error:
        return None, str(error)
    return names["found"], ""


LISTED = json.loads(NAMES.read_text())


@pytest.mark.parametrize("module", LISTED)
def test_every_name_can_be_imported_or_its_absence_has_a_reason(module):
    unexplained = {}
    for name in LISTED[module]:
        if why_absent(module, name) is None:
            found, message = imported(here(module), name)
            if found is None and "has no counterpart in" not in message and name != "newaxis":
                unexplained[name] = message
    assert not unexplained


def is_here(module):
    """Whether there is such a module; ``find_spec`` fails on those that a façade brings when it is imported."""
    try:
        importlib.import_module(f"ddtrain.{module}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("pattern", ABSENT)
def test_a_reason_for_absence_excuses_nothing_that_is_here(pattern):
    names = [(m, n) for m, found in LISTED.items() for n in found if why_absent(m, n) == pattern]
    assert names, "excuses nothing"
    for module, name in names:
        if is_here(module):
            assert imported(here(module), name)[0] is None, (module, name)


def test_an_absent_name_says_what_to_use_instead():
    with pytest.raises(ImportError, match=r"'full_graph' has no counterpart.*ddtrain\.graph"):
        from ddtrain.autograd.misc.tracers import full_graph  # noqa: F401
    from ddtrain.autograd.misc import tracers

    with pytest.raises(AttributeError, match=r"ddtrain\.graph"):
        tracers.full_graph(sum)
    assert not hasattr(tracers, "full_graph")
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'"):
        tracers.nowhere  # noqa: B018


def test_the_list_is_autograds():
    pytest.importorskip("autograd", reason="to compare with")
    asked = subprocess.run([sys.executable, __file__, "-"], capture_output=True, text=True, check=True).stdout
    assert json.loads(asked) == LISTED


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    import autograd

    found = [name for _, name, _ in pkgutil.walk_packages(autograd.__path__, "autograd.")]
    listed = {name: public(importlib.import_module(name)) for name in ["autograd", *sorted(found)]}
    text = json.dumps(listed, indent=0) + "\n"
    print(text) if sys.argv[1:] == ["-"] else NAMES.write_text(text)
