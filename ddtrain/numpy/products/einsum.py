"""Einstein summation. Ellipses and repeated labels are spelled out first, so that one plain rule remains."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, defjvp_rest, defvjp_rest, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.numpy.manipulation.axes import expand_dims
from ddtrain.numpy.manipulation.indexing import diagonal
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.shapes import ndim, shape

__all__ = ["einsum"]


def _contract(subscripts: str, *operands: Any) -> Any:
    return np.einsum(subscripts, *operands, optimize=len(operands) > 2)


def _operand_rule(argnum: int) -> Any:
    """The cotangent of one operand: ``g`` contracted with all others; a label of this operand alone is broadcast."""

    def rule(g: Any, ans: Any, subscripts: str, *operands: Any) -> Any:
        inputs, _, output = subscripts.partition("->")
        labels = inputs.split(",")
        mine, others = labels.pop(argnum - 1), [*operands[: argnum - 1], *operands[argnum:]]
        known = set(output).union(*labels)
        reached = "".join(label for label in mine if label in known)
        part = contract(f"{','.join([output, *labels])}->{reached}", g, *others)
        alone = [i for i, label in enumerate(mine) if label not in known]
        if not alone:
            return part
        x = operands[argnum - 1]
        return expand_dims(part, alone) * np.ones([n if i in alone else 1 for i, n in enumerate(x.shape)], x.dtype)

    return rule


def _operand_jvp(argnum: int) -> Any:
    return lambda g, ans, subscripts, *operands: contract(subscripts, *operands[: argnum - 1], g, *operands[argnum:])


contract = primitive(
    _contract,
    name="einsum",
    examples=lambda r: [
        case("ij,jk->ik", r(2, 3), r(3, 4)),
        case("bij,bjk,k->bi", r(2, 2, 3), r(2, 3, 2), r(2)),
        case("ij->j", r(2, 3)),
        case("ij,k->", r(2, 3), r(2)),
        case("i,i->i", r(3), r(1)),
        case("ji->ij", r(2, 3)),
    ],
)
defvjp_rest(contract, _operand_rule)
defjvp_rest(contract, _operand_jvp)


def einsum(*operands: Array, optimize: Any = True) -> Array:
    """The sum of products that subscripts say, in NumPy's notation: ``einsum("...ij,jk->...ik", x, y)``.

    Parameters
    ----------
    operands : the subscripts and the arrays; or each array followed by a list of numbers for its axes, and last, if
        any, that of the result: ``einsum(x, [..., 0, 1], y, [1, 2], [..., 0, 2])``
    optimize : accepted for compatibility; three operands or more are multiplied in the cheapest order

    Raises
    ------
    ShapeError : the subscripts name another number of operands or of axes

    >>> einsum("ii", np.eye(3))
    np.float64(3.0)
    """
    if not isinstance(operands[0], str):
        operands = _with_letters(operands)
    subscripts, parts = operands[0], [asarray(x) for x in operands[1:]]
    labels, output = _spelled_out(subscripts.replace(" ", ""), [ndim(x) for x in parts])
    for k, mine in enumerate(labels):
        while len(set(mine)) < len(mine):
            parts[k], mine = _on_diagonal(parts[k], mine)
        labels[k] = mine
    return contract(f"{','.join(labels)}->{output}", *parts)


def _with_letters(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same operands after a string, given lists of numbers; letters in the order of the numbers."""
    letters = sorted(string.ascii_letters)
    lists = [*operands[1::2], operands[-1]] if len(operands) % 2 else operands[1::2]
    words = ["".join("..." if label is Ellipsis else letters[label] for label in labels) for labels in lists]
    arrays = operands[: len(operands) // 2 * 2 : 2]
    return ("->".join([",".join(words[: len(arrays)]), *words[len(arrays) :]]), *arrays)


def _spelled_out(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """The labels of every operand and of the output, with letters for the ellipsis and the output made explicit."""
    inputs, arrow, output = subscripts.partition("->")
    labels = inputs.split(",")
    if len(labels) != len(ndims):
        raise ShapeError(f"einsum: {subscripts!r} names {len(labels)} operands, but {len(ndims)} were given")
    letters = [c for c in string.ascii_letters if c not in subscripts]
    extra = [n - len(mine.replace("...", "")) for mine, n in zip(labels, ndims, strict=True)]
    for mine, more, n in zip(labels, extra, ndims, strict=True):
        if more < 0 or (more and "..." not in mine):
            raise ShapeError(f"einsum: {mine!r} in {subscripts!r} does not name the {n} axes of its operand")
    broadcast = "".join(letters[: max(extra, default=0)])
    labels = [m.replace("...", broadcast[len(broadcast) - more :]) for m, more in zip(labels, extra, strict=True)]
    if not arrow:
        named = "".join(labels)
        output = broadcast + "".join(sorted(c for c in set(named) - set(broadcast) if named.count(c) == 1))
    return labels, output.replace("...", broadcast)


def _on_diagonal(x: Any, mine: str) -> tuple[Any, str]:
    """``x`` on the diagonal of the first two axes with one label, which becomes the last axis."""
    repeated = next(c for c in mine if mine.count(c) > 1)
    first = mine.index(repeated)
    second = mine.index(repeated, first + 1)
    if shape(x)[first] != shape(x)[second]:
        raise ShapeError(
            f"einsum: label {repeated!r} stands for axes of {shape(x)[first]} and {shape(x)[second]} entries"
        )
    rest = mine[:first] + mine[first + 1 : second] + mine[second + 1 :]
    return diagonal(x, 0, first, second), rest + repeated
