"""Gradients of matrices as products of two thin ones, by one step of power iteration that goes on from step to step.

Note [Same bits, other machines]
BLAS may round differently on another kind of processor. The orthogonal basis and the decoded sum are computed by
every rank and must be equal on all, so they use elementwise operations in a fixed order. Matrix products are used only
for results that are then summed over the ranks, or that stay on this rank.

R rows, C columns, r the rank of the approximation: the gradient M_RC is sent as p_rR and q_rC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.protocol import Communicator
from ddtrain.parallel.hooks.bytes_sent import allreduce_bytes
from ddtrain.parallel.hooks.error_feedback import ErrorFeedback
from ddtrain.parallel.hooks.exchange_stages import Stages
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket, Matrix
from ddtrain.parallel.hooks.hook import HookConfig


class PowerSgd(ErrorFeedback):
    """PowerSGD: rank-r approximations with error feedback; vectors, and small matrices, are summed exactly.

    Parameters
    ----------
    rank : of the approximation, at least 1

    Notes
    -----
    With M the gradient plus the memory on each rank and q the right factor of the step before:

        p ← Σ M qᵀ over the ranks, orthogonalised
        q ← Mᵀ p on this rank; what is kept is M − p q, what comes out is p Σq

    A matrix that a bucket cuts is approximated in the rows that the bucket has whole; the rest counts as vectors.

    References
    ----------
    Vogels, Karimireddy, Jaggi (2019), "PowerSGD: practical low-rank gradient compression for distributed
    optimization", arXiv:1905.13727, algorithms 1 and 2.

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     hook = PowerSgd(count=64, dtype=float, rank=1)
    ...     hook.connect(comm)
    ...     of_rank_1 = np.outer(np.arange(8.0), np.ones(8))
    ...     bucket = GradBucket(of_rank_1.flatten(), 0, (Matrix(start=0, rows=8, columns=8),))
    ...     hook(bucket, comm).wait()
    ...     if comm.rank == 0:
    ...         print(np.allclose(bucket.gradients, 2 * of_rank_1.flatten()), hook.bytes_sent < hook.bytes_exact)
    >>> run_ranks("threads:2", main)
    True True
    0
    """

    name: ClassVar[str] = "powersgd"

    def __init__(self, count: int, dtype: DTypeLike, rank: int = 2) -> None:
        super().__init__(count, dtype)
        self.rank = rank
        # the right factor of each matrix, by its place in the flat gradient and its shape
        self.right: dict[str, Array] = {}

    def exchange(self, bucket: GradBucket, comm: Communicator, second: Communicator) -> Stages:
        """Sum all left factors and vectors in one collective, and then all right factors in another."""
        gradients, residual = bucket.gradients, self.residual[bucket.span]
        matrices = [matrix for matrix in bucket.matrices if self._is_worth(matrix)]
        lefts = [matrix.rows * self._rank_of(matrix) for matrix in matrices]
        rests = list(_between(matrices, gradients.size))
        first = np.empty(sum(lefts) + sum(gradients[rest].size for rest in rests), gradients.dtype)
        p_of = _cut(first, lefts, [(-1, matrix.rows) for matrix in matrices])
        exactly = first[sum(lefts) :]
        for rest in rests:  # vectors are sent exactly, but a residual may be left from another hook or other buckets
            gradients[rest] += residual[rest]
            residual[rest] = 0
        np.concatenate([gradients[rest] for rest in rests] or [exactly], out=exactly)
        for matrix, p_rR in zip(matrices, p_of, strict=True):
            gradients[matrix.span] += residual[matrix.span]
            m_RC = gradients[matrix.span].reshape(matrix.rows, matrix.columns)
            np.matmul(self._right_of(bucket, matrix), m_RC.T, out=p_rR)
        self.bytes_sent += allreduce_bytes(first.nbytes, comm.size)
        yield comm.iallreduce(first)

        offset = 0
        for rest in rests:
            gradients[rest] = exactly[offset : offset + gradients[rest].size]
            offset += gradients[rest].size
        if not matrices:
            return
        rights = [self._rank_of(matrix) * matrix.columns for matrix in matrices]
        factors = np.empty(sum(rights), gradients.dtype)
        q_of = _cut(factors, rights, [(-1, matrix.columns) for matrix in matrices])
        for matrix, p_rR, q_rC in zip(matrices, p_of, q_of, strict=True):
            orthogonalise_(p_rR)
            m_RC = gradients[matrix.span].reshape(matrix.rows, matrix.columns)
            np.matmul(p_rR, m_RC, out=q_rC)
            rest_n = residual[matrix.span]
            np.subtract(m_RC, p_rR.T @ q_rC, out=rest_n.reshape(m_RC.shape))
            rest_n[~np.isfinite(rest_n)] = 0
        self.bytes_sent += allreduce_bytes(factors.nbytes, comm.size)
        yield second.iallreduce(factors)

        for matrix, p_rR, q_rC in zip(matrices, p_of, q_of, strict=True):
            m_RC = gradients[matrix.span].reshape(matrix.rows, matrix.columns)
            m_RC[...] = 0
            for p_R, q_C in zip(p_rR, q_rC, strict=True):  # Note [Same bits, other machines]
                m_RC += p_R[:, None] * q_C
            if np.isfinite(q_rC).all():
                self.right[_key(bucket, matrix)] = q_rC.copy()

    def _rank_of(self, matrix: Matrix) -> int:
        return min(self.rank, matrix.rows, matrix.columns)

    def _is_worth(self, matrix: Matrix) -> bool:
        """Are the two factors smaller than the matrix?"""
        return self._rank_of(matrix) * (matrix.rows + matrix.columns) < matrix.rows * matrix.columns

    def _right_of(self, bucket: GradBucket, matrix: Matrix) -> Array:
        """The right factor of the step before; random rows at first, and in place of zero or missing rows.

        A run that is resumed with another ``rank`` has more or fewer rows than are needed now.
        """
        q_rC, r = self.right.get(_key(bucket, matrix)), self._rank_of(matrix)
        if q_rC is not None and len(q_rC) == r and q_rC.any(axis=1).all():
            return q_rC
        draw = np.random.default_rng((bucket.start + matrix.start, matrix.columns))
        drawn_rC: Array = draw.standard_normal((r, matrix.columns)).astype(bucket.gradients.dtype)
        for drawn_C, q_C in zip(drawn_rC, q_rC if q_rC is not None else (), strict=False):
            if q_C.any():
                drawn_C[...] = q_C
        return drawn_rC

    def state_dict(self) -> dict[str, Array]:
        """The residual, and the right factor of each matrix."""
        return {**super().state_dict(), **{name: q_rC.copy() for name, q_rC in self.right.items()}}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Load a saved state."""
        super().load_state_dict(state)
        self.right = {name: np.array(value) for name, value in state.items() if name != "residual"}

    def set_unsent(self, unsent: Array) -> None:
        """Take this as the residual; the factors start again from random directions."""
        super().set_unsent(unsent)
        self.right = {}


def orthogonalise_(p_rR: Array) -> None:
    """Make the rows orthonormal, in place, by Gram and Schmidt; a row of zeros stays one.

    It is done twice: where rows are nearly parallel, the first time leaves mostly rounding errors.

    >>> p = np.array([[3.0, 4.0], [4.0, 3.0]])
    >>> orthogonalise_(p)
    >>> p
    array([[ 0.6,  0.8],
           [ 0.8, -0.6]])
    """
    for i, row_R in enumerate(p_rR):
        for _ in range(2):
            for before_R in p_rR[:i]:
                row_R -= before_R * np.add.reduce(before_R * row_R)
            norm = np.sqrt(np.add.reduce(row_R * row_R))
            if norm != 0:
                row_R /= norm


def _between(matrices: list[Matrix], size: int) -> Iterator[slice]:
    """The slices of a bucket of ``size`` elements that belong to no matrix."""
    start = 0
    for matrix in matrices:
        yield slice(start, matrix.span.start)
        start = matrix.span.stop
    yield slice(start, size)


def _cut(vector: Array, sizes: list[int], shapes: list[tuple[int, int]]) -> list[Array]:
    """Views of consecutive parts of a vector."""
    ends = np.cumsum(sizes, dtype=int)
    return [vector[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True)]


def _key(bucket: GradBucket, matrix: Matrix) -> str:
    return f"right.{bucket.start + matrix.start}.{matrix.rows}x{matrix.columns}"


def make(config: HookConfig, count: int, dtype: DTypeLike) -> PowerSgd:
    """PowerSGD from the section ``comm``: reads powersgd_rank."""
    return PowerSgd(count, dtype, config.powersgd_rank)
