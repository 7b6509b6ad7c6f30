"""Initial values: anything that is called as ``init(generator, shape) -> array``.

Read ``functions`` (plain functions, among them what layers begin with unless told), then ``initializer`` (parts with
options, and the fans that they scale by). ``constant distributions variance_scaling matrices`` are the parts, which
``Linear(..., weight_init=init.HeNormal())`` takes, and which :func:`ddtrain.nn.reinitialized` takes by name and path.

To add one, write a frozen dataclass with ``draw``, as in ``distributions``, and import it here.
"""

from ddtrain.nn.init.constant import Constant, Ones, Zeros
from ddtrain.nn.init.distributions import Normal, TruncatedNormal, Uniform
from ddtrain.nn.init.functions import (
    Init,
    bias_uniform,
    fan_in,
    fan_in_uniform,
    glorot_uniform,
    normal,
    ones,
    standard_normal,
    zeros,
)
from ddtrain.nn.init.initializer import Fans, Initializer, fans_of
from ddtrain.nn.init.matrices import Identity, Orthogonal
from ddtrain.nn.init.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
)

INITIALIZERS = Initializer.parts  # by name; ``register`` enters more

__all__ = [
    "INITIALIZERS", "Constant", "Fans", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "Init",
    "Initializer", "LeCunNormal", "LeCunUniform", "Normal", "Ones", "Orthogonal", "TruncatedNormal", "Uniform",
    "Zeros", "bias_uniform", "fan_in", "fan_in_uniform", "fans_of", "glorot_uniform", "normal", "ones",
    "standard_normal", "zeros",
]  # fmt: skip
