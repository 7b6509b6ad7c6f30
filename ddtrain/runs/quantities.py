"""Which figures of a log are of one quantity, and belong in one picture: ``loss`` and ``valid_loss``."""

from __future__ import annotations

from collections.abc import Iterable

BESIDE = ("lr", "grad_norm", "samples_per_s")  # what every run logs beside loss and metrics
_VALID = "valid_"


def quantities(names: Iterable[str]) -> dict[str, list[str]]:
    """Figures by quantity: loss first, then metrics, then what every run logs.

    >>> quantities(["loss", "lr", "valid_loss", "valid_f1"])
    {'loss': ['loss', 'valid_loss'], 'f1': ['valid_f1'], 'lr': ['lr']}
    """
    names = list(names)
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(base_of(name, names), []).append(name)
    order = sorted(found, key=lambda base: BESIDE.index(base) if base in BESIDE else -1)
    return {base: found[base] for base in order}


def base_of(name: str, names: Iterable[str]) -> str:
    """The figure of training that a figure of validation belongs to, or itself without ``valid_``.

    >>> base_of("valid_loss", ["loss"]), base_of("valid_noisy_loss", ["loss"]), base_of("valid_f1", ["loss"])
    ('loss', 'loss', 'f1')
    """
    if not name.startswith(_VALID):
        return name
    rest = name.removeprefix(_VALID)
    ends = [known for known in names if not known.startswith(_VALID) and rest.endswith(f"_{known}")]
    return rest if rest in names or not ends else max(ends, key=len)


def kind_of(base: str, name: str) -> str:
    """What data a figure is of.

    >>> kind_of("loss", "loss"), kind_of("loss", "valid_loss"), kind_of("loss", "valid_noisy_loss")
    ('training', 'validation', 'validation: noisy')
    """
    if not name.startswith(_VALID):
        return "training"
    which = name.removeprefix(_VALID).removesuffix(base).rstrip("_")
    return f"validation: {which}" if which else "validation"
