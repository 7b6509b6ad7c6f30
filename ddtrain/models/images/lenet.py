"""LeNet-5 for 28×28 images (LeCun, Bottou, Bengio & Haffner 1998), with ReLU and max-pooling instead of its own."""

from __future__ import annotations

from ddtrain import nn


class LeNet5(nn.Module):
    """Two 5×5 convolutions of 6 and 16 channels with pooling, then linear layers of 120, 84 and K.

    Parameters
    ----------
    classes : K
    channels : of the image

    >>> model = LeNet5()
    >>> sum(x.size for x in model.init(seed=0).values())
    61706
    """

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=2),
            nn.relu(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.relu(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(5 * 5 * 16, 120), nn.relu(), nn.Linear(120, 84), nn.relu(), nn.Linear(84, classes)
        )

    def forward(self, x_NHWC: nn.Array) -> nn.Array:
        return self.classifier(self.features(x_NHWC))
