"""A small network of Inception blocks, after GoogLeNet (Szegedy et al., arXiv:1409.4842, figure 2b)."""

from __future__ import annotations

from typing import NamedTuple

from ddtrain import nn


class Widths(NamedTuple):
    """Channels of an Inception block: of its four branches, and of the 1×1 convolutions that narrow two of them."""

    one: int
    narrow_three: int
    three: int
    narrow_five: int
    five: int
    pool: int

    @property
    def total(self) -> int:
        """Channels of the branches side by side.

        >>> Widths(64, 96, 128, 16, 32, 32).total  # GoogLeNet's block 3a
        256
        """
        return self.one + self.three + self.five + self.pool


def _convolution(c_in: int, c_out: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, with batch-norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False), nn.BatchNorm(c_out), nn.relu()
    )


class Inception(nn.Module):
    """Side by side: 1×1; 1×1 then 3×3; 1×1 then 5×5; 3×3 max-pooling then 1×1. Their channels are joined.

    >>> import numpy as np
    >>> block = Inception(3, Widths(2, 2, 4, 1, 2, 2))
    >>> block.bind(block.init(seed=0))(np.zeros((1, 8, 8, 3), np.float32)).shape
    (1, 8, 8, 10)
    """

    def __init__(self, c_in: int, widths: Widths) -> None:
        self.branches = nn.Concat(
            _convolution(c_in, widths.one, 1),
            nn.Sequential(
                _convolution(c_in, widths.narrow_three, 1), _convolution(widths.narrow_three, widths.three, 3)
            ),
            nn.Sequential(_convolution(c_in, widths.narrow_five, 1), _convolution(widths.narrow_five, widths.five, 5)),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _convolution(c_in, widths.pool, 1)),
        )

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.branches(x_NHWC)


class InceptionNet(nn.Module):
    """A 3×3 stem with pooling, two pairs of Inception blocks with pooling between, global pooling, and a linear layer.

    Parameters
    ----------
    classes : number of outputs
    width : channels of the stem; the blocks have 2, 3, 4 and 5 times as many
    channels : of the image
    dropout : rate before the linear layer

    >>> import numpy as np
    >>> model = InceptionNet(width=8)
    >>> model.bind(model.init(seed=0))(np.zeros((2, 28, 28, 1), np.float32)).shape
    (2, 10)
    """

    def __init__(self, classes: int = 10, width: int = 16, channels: int = 1, dropout: float = 0.0) -> None:
        blocks: list[nn.Module] = []
        c_in = width
        for k in (2, 3, 4, 5):
            if k == 4:
                blocks.append(nn.MaxPool2d(2))
            # of GoogLeNet's first block: a quarter, a half, an eighth and an eighth
            eighth = k * width // 8
            widths = Widths(2 * eighth, 3 * eighth, 4 * eighth, max(eighth // 2, 1), eighth, eighth)
            blocks.append(Inception(c_in, widths))
            c_in = widths.total
        self.stem = nn.Sequential(_convolution(channels, width, 3), nn.MaxPool2d(2))
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(c_in, classes)

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.head(self.dropout(self.pool(self.blocks(self.stem(x_NHWC)))))
