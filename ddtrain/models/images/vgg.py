"""Networks after VGG (Simonyan & Zisserman, arXiv:1409.1556): 3×3 convolutions, in blocks that end with pooling."""

from __future__ import annotations

from ddtrain import nn
from ddtrain.errors import ShapeError


class Vgg(nn.Module):
    """Blocks of 3×3 convolutions with batch-norm and ReLU, each followed by 2×2 max-pooling; then two linear layers.

    Parameters
    ----------
    image : (height, width, channels)
    blocks : of each block the channels of its convolutions
    hidden : width between the linear layers
    classes : number of outputs
    dropout : rate before each linear layer

    Raises
    ------
    ShapeError : more blocks than the image can be halved

    >>> import numpy as np
    >>> model = Vgg(image=(28, 28, 1), blocks=((4, 4), (8, 8)), hidden=16, classes=10)
    >>> model.bind(model.init(seed=0))(np.zeros((2, 28, 28, 1), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        blocks: tuple[tuple[int, ...], ...],
        hidden: int,
        classes: int,
        dropout: float = 0.0,
    ) -> None:
        height, width, c_in = image
        if min(height, width) >> len(blocks) < 1:
            raise ShapeError(
                f"Vgg: an image of {height} x {width} cannot be halved {len(blocks)} times", remedy="Give fewer blocks."
            )
        layers: list[nn.Module] = []
        for block in blocks:
            for c_out in block:
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm(c_out), nn.relu()]
                c_in = c_out
            layers.append(nn.MaxPool2d(2))
        flat = (height >> len(blocks)) * (width >> len(blocks)) * c_in
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(flat, hidden), nn.relu(), nn.Dropout(dropout), nn.Linear(hidden, classes)
        )

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.classifier(self.features(x_NHWC))
