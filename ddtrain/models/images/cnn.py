"""Convolutional networks for small images, channels-last (N, H, W, C)."""

from __future__ import annotations

from ddtrain import nn
from ddtrain.models.activated import BatchNorm, activated, place_of


class Cnn(nn.Module):
    """Blocks of convolution, synchronised batch-norm, activation and 2×2 max-pooling, then one linear layer.

    Parameters
    ----------
    image : (height, width, channels)
    widths : channels of each block
    classes : number of outputs
    kernel : side of the convolutions, odd; they keep the size
    dropout : rate before the linear layer
    batch_norm : "before" each activation (True), "after" it, or "none" (False)
    activation : a name in ``nn.ACTIVATIONS``

    Raises
    ------
    UsageError : an activation that there is not, or that changes the number of channels

    >>> import numpy as np
    >>> model = Cnn(image=(28, 28, 1), widths=(8, 16), classes=10)
    >>> model.bind(model.init(seed=0))(np.zeros((2, 28, 28, 1), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        widths: tuple[int, ...],
        classes: int,
        kernel: int = 3,
        dropout: float = 0.0,
        batch_norm: BatchNorm = True,
        activation: str = "relu",
    ) -> None:
        height, width, c_in = image
        bias = place_of(batch_norm) != "before"  # a shift that follows replaces it
        blocks: list[nn.Module] = []
        for c_out in widths:
            blocks += [
                nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=bias),
                *activated(c_out, activation, batch_norm),
                nn.MaxPool2d(2),
            ]
            height, width, c_in = height // 2, width // 2, c_out
        self.features = nn.Sequential(*blocks)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(height * width * c_in, classes)

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.head(self.dropout(self.flatten(self.features(x_NHWC))))


class LeNet(nn.Module):
    """Two 5×5 convolutions with ReLU and pooling, then one linear layer (after LeCun et al. 1998).

    >>> import numpy as np
    >>> model = LeNet()
    >>> sum(x.size for x in model.init(seed=0).values())
    28938
    """

    def __init__(self, classes: int = 10, widths: tuple[int, int] = (16, 32)) -> None:
        first, second = widths
        self.features = nn.Sequential(
            nn.Conv2d(1, first, 5, padding=2),
            nn.relu(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5, padding=2),
            nn.relu(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(7 * 7 * second, classes)

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.head(self.features(x_NHWC))
