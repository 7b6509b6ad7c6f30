"""Residual networks for small images: ResNet-8 and ResNet-20 (He et al., arXiv:1512.03385, section 4.2)."""

from __future__ import annotations

from ddtrain import nn


class Block(nn.Module):
    """Two 3×3 convolutions around which the input is added back, through a 1×1 convolution where shapes differ."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm(c_out)
        same = stride == 1 and c_in == c_out
        self.shortcut = None if same else nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False)

    def forward(self, x: nn.Array) -> nn.Array:
        y = nn.functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return nn.functional.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    """A stem, three stages of n residual blocks, each wider and half as large, global pooling, and a linear layer.

    Parameters
    ----------
    n : blocks in a stage; the network has 6 n + 2 layers with weights
    classes : number of outputs
    widths : channels of each stage
    channels : of the image

    >>> import numpy as np
    >>> model = ResNet(n=2, widths=(4, 8, 16))
    >>> model.bind(model.init(seed=0))(np.zeros((2, 32, 32, 3), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self, n: int, classes: int = 10, widths: tuple[int, int, int] = (16, 32, 64), channels: int = 3
    ) -> None:
        self.conv = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm(widths[0])
        inputs = (widths[0], *widths[:-1])
        self.blocks = [
            Block(c_out if place else c_in, c_out, stride=1 if stage == 0 or place else 2)
            for stage, (c_in, c_out) in enumerate(zip(inputs, widths, strict=True))
            for place in range(n)
        ]
        self.pool = nn.GlobalAvgPool2d()
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        x = nn.functional.relu(self.bn(self.conv(x_NHWC)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))


class ResNet8(ResNet):
    """One residual block a stage: :class:`ResNet` with n = 1.

    >>> len(ResNet8().blocks)
    3
    """

    def __init__(self, classes: int = 10, widths: tuple[int, int, int] = (16, 32, 64), channels: int = 3) -> None:
        super().__init__(1, classes, widths, channels)


class ResNet20(ResNet):
    """Three residual blocks a stage: :class:`ResNet` with n = 3, the smallest of the paper.

    >>> import math
    >>> from ddtrain.nn import Parameter
    >>> sum(math.prod(d.shape) for d in ResNet20().declarations().values() if isinstance(d, Parameter))
    272282
    """

    def __init__(self, classes: int = 10, widths: tuple[int, int, int] = (16, 32, 64), channels: int = 3) -> None:
        super().__init__(3, classes, widths, channels)
