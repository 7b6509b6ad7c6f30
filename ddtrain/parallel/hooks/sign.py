"""One bit an element both ways: the ranks vote on each sign, and the majority's travels back.

Note [Scaling]
Bernstein et al. (2018) vote with bare signs and leave the size of the step to the learning rate. Here a vote weighs as
much as the mean magnitude of its rank's block of 1024 elements, and the outcome has the mean magnitude of the sums of
its block: so what comes out is in the gradient's units, and clipping, momentum and learning rate mean what they mean
with exact sums; a rank with an empty shard has no vote. Where all blocks have one magnitude, and nothing is
remembered, the sign that comes out is the majority's (a draw counts as positive).
Bare majority voting does not converge where the noise is skewed (Karimireddy et al. 2019, section 3), so what the bits
leave out is kept at both ends (Zheng et al. 2019, "Communication-efficient distributed blockwise momentum SGD with
error-feedback", arXiv:1905.10936).
"""

from __future__ import annotations

from typing import ClassVar

from numpy.typing import DTypeLike

from ddtrain.parallel.hooks.codecs import Codec, Sign
from ddtrain.parallel.hooks.compressed_allreduce import CompressedAllreduce
from ddtrain.parallel.hooks.hook import HookConfig


class SignVote(CompressedAllreduce):
    """signSGD with majority vote, scaled (Note [Scaling]) and with error feedback.

    References
    ----------
    Bernstein, Zhao, Azizzadenesheli, Anandkumar (2018), "signSGD with majority vote is communication efficient and
    fault tolerant", arXiv:1810.05291.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> from ddtrain.parallel.hooks import GradBucket
    >>> def main(comm):
    ...     hook = SignVote(count=4, dtype=float)
    ...     hook.connect(comm)
    ...     bucket = GradBucket(np.array([3.0, 1.0 - 2 * comm.rank, 2.0, 2.0]), start=0)
    ...     hook(bucket, comm).wait()
    ...     if comm.rank == 0:
    ...         print(bucket.gradients)
    >>> run_ranks("threads:2", main)  # one scale for each rank's half of the vector
    [2. 2. 4. 4.]
    0
    """

    name: ClassVar[str] = "sign"
    codec: ClassVar[Codec] = Sign()


def make(config: HookConfig, count: int, dtype: DTypeLike) -> SignVote:
    """The vote has no options."""
    return SignVote(count, dtype)
