"""Communication hooks: how a bucket of the gradient becomes its sum over the ranks, exactly or with fewer bytes.

Read ``hook`` (what a hook is), ``grad_bucket`` (what it is given) and ``exact`` (the shortest one). ``half``, ``topk``,
``powersgd`` and ``sign`` send fewer bytes: over ``error_feedback``, which keeps what they leave out, with ``codecs``
(vectors as few bytes), ``compressed_allreduce`` (of such vectors) and ``exchange_stages`` (one exchange after another).
``reduce_scatter`` serves the sharded optimizer, ``bytes_sent`` counts bytes.

To add a hook, write ``hooks/<name>.py`` and enter it in ``HOOKS``: the options, the checkpoints and the tests over
all members follow the table.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from numpy.typing import DTypeLike

from ddtrain.errors import UsageError, quoted
from ddtrain.parallel.hooks import exact, half, powersgd, sign, topk
from ddtrain.parallel.hooks.exact import ExactSum, NoopHook
from ddtrain.parallel.hooks.grad_bucket import GradBucket, Matrix, make_grad_bucket
from ddtrain.parallel.hooks.hook import Hook, HookConfig

Factory = Callable[[HookConfig, int, DTypeLike], Hook]

HOOKS: dict[str, Factory] = {
    "exact": exact.make,
    "float16": half.make_float16,
    "bfloat16": half.make_bfloat16,
    "topk": topk.make,
    "powersgd": powersgd.make,
    "sign": sign.make,
}


def make_hook(config: HookConfig, count: int, dtype: DTypeLike) -> Hook:
    """The hook that the section ``comm`` asks for.

    Parameters
    ----------
    config : the section; each hook reads the options it has
    count, dtype : of the flat gradient vector

    Raises
    ------
    UsageError : a name that is not in the table.

    >>> from types import SimpleNamespace
    >>> make_hook(SimpleNamespace(hook="flaot16"), 10, "float32")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --comm.hook 'flaot16' is not known
      Did you mean float16?
    """
    if config.hook not in HOOKS:
        near = difflib.get_close_matches(config.hook, HOOKS, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(HOOKS)}."
        raise UsageError(f"--comm.hook {quoted(config.hook)} is not known", remedy=remedy)
    return HOOKS[config.hook](config, count, dtype)


__all__ = [
    "HOOKS",
    "NoopHook",
    "ExactSum",
    "Factory",
    "Hook",
    "HookConfig",
    "Matrix",
    "GradBucket",
    "make_hook",
    "make_grad_bucket",
]
