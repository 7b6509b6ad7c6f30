"""Pooling layers of channels-last images, (N, H, W, C), and sequences, (N, T, C)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.nn.argument_checks import Pair, number, pair
from ddtrain.nn.module import Module


class _Windows2d(Module):
    operation: ClassVar[Callable[..., Any]]

    def __init__(self, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        name = type(self).__name__
        self.kernel = pair(name, "kernel", kernel)
        self.stride = self.kernel if stride is None else pair(name, "stride", stride)
        self.padding = pair(name, "padding", padding, 0)

    def forward(self, x_NHWC: Array) -> Array:
        return type(self).operation(x_NHWC, self.kernel, stride=self.stride, padding=self.padding)


class MaxPool2d(_Windows2d):
    """The largest value of each window of images.

    ``y[n, p, q, c] = max of x[n, p · stride + i, q · stride + j, c]`` over i and j below ``kernel``.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 9.3.

    >>> import numpy as np
    >>> MaxPool2d(2).bind({})(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    operation = staticmethod(ops.max_pool2d)


class AvgPool2d(_Windows2d):
    """The mean of each window of images, where padding counts as zeros.

    ``y[n, p, q, c] = mean of x[n, p · stride + i, q · stride + j, c]`` over i and j below ``kernel``.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition", section II.

    >>> import numpy as np
    >>> AvgPool2d(2).bind({})(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    operation = staticmethod(ops.avg_pool2d)


class _Windows1d(Module):
    operation: ClassVar[Callable[..., Any]]

    def __init__(self, kernel: int, stride: int | None = None, padding: int = 0) -> None:
        name = type(self).__name__
        self.kernel = number(name, "kernel", kernel)
        self.stride = self.kernel if stride is None else number(name, "stride", stride)
        self.padding = number(name, "padding", padding, 0)

    def forward(self, x_NTC: Array) -> Array:
        return type(self).operation(x_NTC, self.kernel, stride=self.stride, padding=self.padding)


class MaxPool1d(_Windows1d):
    """The largest value of each window of sequences.

    ``y[n, t, c] = max of x[n, t · stride + i, c]`` over i below ``kernel``.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 9.3.

    >>> import numpy as np
    >>> MaxPool1d(2).bind({})(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
    array([1., 3., 5.])
    """

    operation = staticmethod(ops.max_pool1d)


class AvgPool1d(_Windows1d):
    """The mean of each window of sequences, where padding counts as zeros.

    ``y[n, t, c] = mean of x[n, t · stride + i, c]`` over i below ``kernel``.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner (1998), "Gradient-based learning applied to document recognition", section II.

    >>> import numpy as np
    >>> AvgPool1d(2).bind({})(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
    array([0.5, 2.5, 4.5])
    """

    operation = staticmethod(ops.avg_pool1d)


class _Adaptive2d(Module):
    operation: ClassVar[Callable[..., Any]]

    def __init__(self, size: Pair) -> None:
        self.size = pair(type(self).__name__, "size", size)

    def forward(self, x_NHWC: Array) -> Array:
        return type(self).operation(x_NHWC, self.size)


class AdaptiveAvgPool2d(_Adaptive2d):
    """The mean of each of ``size`` windows: (N, H, W, C) to (N, *size, C).

    Window i of an axis of n goes from floor(i · n / size) to ceil((i + 1) · n / size), as PyTorch's.

    References
    ----------
    He, Zhang, Ren, Sun (2014), "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d((1, 3)).bind({})(np.arange(5.0).reshape(1, 1, 5, 1))[0, 0, :, 0]
    array([0.5, 2. , 3.5])
    """

    operation = staticmethod(ops.adaptive_avg_pool2d)


class AdaptiveMaxPool2d(_Adaptive2d):
    """The largest value of each of ``size`` windows: (N, H, W, C) to (N, *size, C).

    Window i of an axis of n goes from floor(i · n / size) to ceil((i + 1) · n / size), as PyTorch's.

    References
    ----------
    He, Zhang, Ren, Sun (2014), "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.

    >>> import numpy as np
    >>> AdaptiveMaxPool2d((1, 3)).bind({})(np.arange(16.0).reshape(1, 4, 4, 1))[0, 0, :, 0]
    array([13., 14., 15.])
    """

    operation = staticmethod(ops.adaptive_max_pool2d)


class _Adaptive1d(Module):
    operation: ClassVar[Callable[..., Any]]

    def __init__(self, size: int) -> None:
        self.size = number(type(self).__name__, "size", size)

    def forward(self, x_NTC: Array) -> Array:
        return type(self).operation(x_NTC, self.size)


class AdaptiveAvgPool1d(_Adaptive1d):
    """The mean of each of ``size`` windows: (N, T, C) to (N, size, C).

    Window i of an axis of n goes from floor(i · n / size) to ceil((i + 1) · n / size), as PyTorch's.

    References
    ----------
    He, Zhang, Ren, Sun (2014), "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.

    >>> import numpy as np
    >>> AdaptiveAvgPool1d(4).bind({})(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
    array([0.5, 1.5, 3.5, 4.5])
    """

    operation = staticmethod(ops.adaptive_avg_pool1d)


class AdaptiveMaxPool1d(_Adaptive1d):
    """The largest value of each of ``size`` windows: (N, T, C) to (N, size, C).

    Window i of an axis of n goes from floor(i · n / size) to ceil((i + 1) · n / size), as PyTorch's.

    References
    ----------
    He, Zhang, Ren, Sun (2014), "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.

    >>> import numpy as np
    >>> AdaptiveMaxPool1d(4).bind({})(np.arange(6.0).reshape(1, 6, 1))[0, :, 0]
    array([1., 2., 4., 5.])
    """

    operation = staticmethod(ops.adaptive_max_pool1d)


class _Global(Module):
    operation: ClassVar[Callable[..., Any]]

    def forward(self, x: Array) -> Array:
        return type(self).operation(x)


class GlobalAvgPool2d(_Global):
    """The mean over all positions: (N, H, W, C) to (N, C).

    ``y[n, c] = mean of x[n, h, w, c]`` over h and w.

    References
    ----------
    Lin, Chen, Yan (2013), "Network in network", arXiv:1312.4400, section 3.2.

    >>> import numpy as np
    >>> GlobalAvgPool2d().bind({})(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[3., 4.]])
    """

    operation = staticmethod(ops.global_avg_pool2d)


class GlobalMaxPool2d(_Global):
    """The largest value over all positions: (N, H, W, C) to (N, C).

    ``y[n, c] = max of x[n, h, w, c]`` over h and w.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 9.3.

    >>> import numpy as np
    >>> GlobalMaxPool2d().bind({})(np.arange(16.0).reshape(1, 4, 4, 1))
    array([[15.]])
    """

    operation = staticmethod(ops.global_max_pool2d)


class GlobalAvgPool1d(_Global):
    """The mean over all positions: (N, T, C) to (N, C).

    ``y[n, c] = mean of x[n, t, c]`` over t.

    References
    ----------
    Lin, Chen, Yan (2013), "Network in network", arXiv:1312.4400, section 3.2.

    >>> import numpy as np
    >>> GlobalAvgPool1d().bind({})(np.arange(6.0).reshape(1, 6, 1))
    array([[2.5]])
    """

    operation = staticmethod(ops.global_avg_pool1d)


class GlobalMaxPool1d(_Global):
    """The largest value over all positions: (N, T, C) to (N, C).

    ``y[n, c] = max of x[n, t, c]`` over t.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep learning", section 9.3.

    >>> import numpy as np
    >>> GlobalMaxPool1d().bind({})(np.arange(6.0).reshape(1, 6, 1))
    array([[5.]])
    """

    operation = staticmethod(ops.global_max_pool1d)
