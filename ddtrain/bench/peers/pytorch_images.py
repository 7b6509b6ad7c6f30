"""The image models of ``ddtrain.models`` as a PyTorch user writes them; ``pytorch_models`` has the others."""

# N samples, C channels, H height, W width
from __future__ import annotations

from typing import Any

from ddtrain.bench.peers.pytorch_models import Model, nn, torch


class ResidualBlock(Model):
    """Two convolutions around which the input is added back."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False)

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))


class ResNet(Model):
    """A residual network for small images, of n blocks a stage."""

    def __init__(self, n: int, widths: tuple[int, int, int], classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0])
        blocks, c_in = [], widths[0]
        for stage, c_out in enumerate(widths):
            for place in range(n):
                blocks.append(ResidualBlock(c_in, c_out, 1 if stage == 0 or place else 2))
                c_in = c_out
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(c_in, classes)

    def forward(self, x_NCHW: Any) -> Any:
        return self.head(self.blocks(torch.relu(self.bn(self.conv(x_NCHW)))).mean((2, 3)))


class ResNet8(ResNet):
    """One block a stage."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__(1, widths)


class ResNet20(ResNet):
    """Three blocks a stage."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__(3, widths)


def _convolution(c_in: int, c_out: int, kernel: int) -> Any:
    convolution = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(c_out), nn.ReLU())


class Inception(Model):
    """Four branches side by side, whose channels are joined."""

    def __init__(self, c_in: int, eighth: int) -> None:
        super().__init__()
        three, narrow = 3 * eighth, max(eighth // 2, 1)
        self.branches = nn.ModuleList(
            [
                _convolution(c_in, 2 * eighth, 1),
                nn.Sequential(_convolution(c_in, three, 1), _convolution(three, 4 * eighth, 3)),
                nn.Sequential(_convolution(c_in, narrow, 1), _convolution(narrow, eighth, 5)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _convolution(c_in, eighth, 1)),
            ]
        )

    def forward(self, x_NCHW: Any) -> Any:
        return torch.cat([branch(x_NCHW) for branch in self.branches], 1)


class InceptionNet(Model):
    """A stem, and two pairs of Inception blocks."""

    def __init__(self, width: int, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(1, width, 3), nn.MaxPool2d(2))
        eighths = [k * width // 8 for k in (2, 3, 4, 5)]
        inputs = [width, *(8 * eighth for eighth in eighths)]
        blocks = [Inception(c_in, eighth) for c_in, eighth in zip(inputs[:-1], eighths, strict=True)]
        self.blocks = nn.Sequential(*blocks[:2], nn.MaxPool2d(2), *blocks[2:])
        self.head = nn.Linear(inputs[-1], classes)

    def forward(self, x_NCHW: Any) -> Any:
        return self.head(self.blocks(self.stem(x_NCHW)).mean((2, 3)))


class LeNet(Model):
    """Two convolutions and a linear layer."""

    def __init__(self, widths: tuple[int, int], classes: int = 10) -> None:
        super().__init__()
        first, second = widths
        self.features = nn.Sequential(
            nn.Conv2d(1, first, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(7 * 7 * second, classes)

    def forward(self, x_NCHW: Any) -> Any:
        return self.head(self.features(x_NCHW))
