"""The errors for names of NumPy's that have no derivative rule, each with what to do about it."""

from __future__ import annotations

from types import ModuleType

from ddtrain.errors import MissingRuleError

REFUSED = {  # name -> (reason, remedy)
    "core": ("is private to NumPy", "Use the public name."),
}


def no_rule(name: str) -> MissingRuleError:
    """The error for a function of NumPy that has no differentiable counterpart, with the way to add one."""
    if name in REFUSED:
        reason, remedy = REFUSED[name]
        return MissingRuleError(f"numpy.{name} {reason}", remedy=remedy)
    return MissingRuleError(
        f"numpy.{name} has no derivative rule",
        remedy=f"Compose it of functions in ddtrain.numpy, or declare f = primitive(numpy.{name}), "
        "then defvjp(f, ...) and defjvp(f, ...); see ddtrain/numpy/elementwise/transcendental.py.",
    )


def no_rule_elsewhere(name: str) -> MissingRuleError:
    """The error for a ufunc that is not NumPy's, such as SciPy's ``erf`` on a traced value."""
    if name.endswith("(vectorized)"):  # np.frompyfunc names its functions so
        return MissingRuleError(f"{name} is made by frompyfunc, and has no derivative rule", remedy="Use np.vectorize.")
    return MissingRuleError(
        f"{name} is not a function of NumPy's, and has no derivative rule",
        remedy=f"Use ddtrain.scipy.special.{name} for SciPy's, or declare f = primitive({name}), then defvjp(f, ...) "
        "and defjvp(f, ...).",
    )


def missing_name(module: ModuleType, name: str) -> AttributeError:
    """The error for asking our counterpart of NumPy's ``module`` for a name that it does not have."""
    path = f"{module.__name__}.{name}".removeprefix("numpy.")
    if hasattr(module, name):
        return AttributeError(f"{no_rule(path)} On plain arrays, numpy.{path} itself will do.")
    return AttributeError(f"neither numpy nor ddtrain.numpy has a name {path!r}")
