"""All optimizers, driven by the table: formula, descent, state, chunks, dtype."""

import math
import tracemalloc

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.kernels.updates.optimizer_update import PIECE
from ddtrain.optim import Optim, Sgd

VARIANTS = {
    "sgd": {"momentum": 0.0},
    "sgd, decay": {"momentum": 0.0, "weight_decay": 0.1},
    "sgd, momentum": {"momentum": 0.9, "weight_decay": 0.1},
    "sgd, nesterov": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "sgd, lecture": {"momentum": 0.9, "momentum_form": "lecture", "weight_decay": 0.1},
    "sgd, lecture, nesterov": {"momentum": 0.9, "momentum_form": "lecture", "nesterov": True, "weight_decay": 0.1},
    "sgd, friction": {"momentum": 0.9, "momentum_form": "friction", "weight_decay": 0.1},
    "sgd, friction, nesterov": {"momentum": 0.9, "momentum_form": "friction", "nesterov": True},
    "sgd, l1": {"momentum": 0.0, "l1": 0.5},
    "sgd, elastic": {"momentum": 0.5, "momentum_form": "lecture", "l1": 0.5, "weight_decay": 0.1},
    "adam": {},
    "adam, decay": {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3},
    "adam, uncorrected": {"bias_correction": False, "weight_decay": 0.1},
    "adam, elastic": {"l1": 0.5, "weight_decay": 0.1},
    "adamw": {"weight_decay": 0.1},
    "adamw, uncorrected": {"bias_correction": False, "weight_decay": 0.1, "l1": 0.5},
    "adagrad": {"weight_decay": 0.1},
    "adagrad, eps inside": {"eps": 0.1, "eps_inside_root": True, "l1": 0.5},
    "rmsprop": {},
    "rmsprop, centered": {"rho": 0.9, "eps": 1e-3, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    "rmsprop, eps inside": {"rho": 0.9, "eps": 0.1, "eps_inside_root": True, "weight_decay": 0.1},
    "rmsprop, elastic": {"rho": 0.9, "momentum": 0.5, "centered": True, "eps": 0.1, "eps_inside_root": True, "l1": 0.1},
    "adadelta": {"weight_decay": 0.1},
    "adadelta, l1": {"l1": 0.5},
    "amsgrad": {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95},
    "amsgrad, l1": {"l1": 0.5},
    "nadam": {},
    "nadam, decay": {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95, "momentum_decay": 0.5},
    "nadam, l1": {"l1": 0.5},
    "adamax": {"weight_decay": 0.1},
    "adamax, l1": {"l1": 0.5},
    "radam": {"weight_decay": 0.1},
    "radam, l1": {"l1": 0.5, "beta2": 0.9},
    "lion": {"weight_decay": 0.1},
    "nesterov": {"weight_decay": 0.1},  # as updates by gradients of wherever; test_probing.py has where they are taken
    "nesterov, l1": {"momentum": 0.5, "l1": 0.5},
    "rmsprop_nesterov": {"rho": 0.9, "momentum": 0.5, "weight_decay": 0.1},
    "rmsprop_nesterov, l1": {"rho": 0.9, "eps": 0.1, "l1": 0.1},
    "sam": {"weight_decay": 0.1},
    "sam, l1": {"momentum": 0.0, "l1": 0.5},
}
PYTORCHS = {  # where 20 steps of PyTorch 2.13 in float64 have led, from (1, -2, 0.5) with lr 0.05 (adadelta: 1)
    "sgd, momentum": [0.08364039184276448, 0.08600164734311491, -0.05703680843504086],
    "sgd, nesterov": [0.06914283021352868, 0.031593959988837565, 0.027380809862622438],
    "sgd, lecture": [0.08364039184276448, 0.08600164734311491, -0.05703680843504086],  # as the rate is constant
    "sgd, lecture, nesterov": [0.06914283021352868, 0.031593959988837565, 0.027380809862622438],
    "adam, decay": [0.563919233417402, -1.0534710428428062, -0.0455157195887431],
    "adamw": [0.6104628181976783, -0.903002948692222, -0.10182630635703455],
    "adagrad": [0.826355038692262, -1.6301262558158807, 0.18937453451558747],
    "rmsprop": [0.19943139461972, -0.07449941317090158, 0.15097083530771488],
    "rmsprop, centered": [0.18541068293792962, -0.02735060863858166, 0.022137329033764686],
    "adadelta": [0.9757556581165635, -1.9281427510984808, 0.4257660207152257],
    "amsgrad": [0.5657541356072282, -1.0542226361838893, -0.043358771347372566],
    "nadam": [0.7536989017563123, -1.2092253402104975, 0.025711180259492282],
    "nadam, decay": [0.6023722615901875, -1.1255127964509872, 0.01547289499731258],
    "adamax": [0.6745558372597253, -1.1597663430013563, 0.03181808954382039],
    "radam": [0.8858266995091297, -1.4591821088863905, 0.2030581221118525],
}
LR, SCALE = 0.05, 0.7


def make(variant, n, dtype=np.float64):
    return optim.make(options(variant), n, dtype)


def options(variant):
    return Optim(name=variant.split(",")[0], **VARIANTS[variant])


def test_the_variants_cover_the_table():
    elementwise = {
        name for name, part in Optim.parts.items() if not issubclass(part, (optim.LayerwiseOptim, optim.BatchMethod))
    }
    assert {variant.split(",")[0] for variant in VARIANTS} == elementwise  # they have suites of their own


def spelled_out(variant, x, gradients):
    """The definitions of the docstrings, on Python floats, one element at a time."""
    o = options(variant)
    velocity = m = v = w = 0.0
    product = 1.0
    for t, g in enumerate(gradients, start=1):
        g = SCALE * g
        if o.name in ("adamw", "lion"):
            x -= LR * o.weight_decay * x
        else:
            g += o.weight_decay * x
        match o.name:
            case "sgd":
                match o.momentum_form:
                    case "pytorch":
                        velocity = o.momentum * velocity + g
                        x -= LR * (g + o.momentum * velocity if o.nesterov else velocity)
                    case "lecture":
                        velocity = o.momentum * velocity - LR * g
                        x += o.momentum * velocity - LR * g if o.nesterov else velocity
                    case "friction":
                        velocity += (1 - o.momentum) * (g - velocity)
                        x -= LR * (o.momentum * velocity + (1 - o.momentum) * g if o.nesterov else velocity)
                rate = LR if o.momentum_form == "friction" else LR / (1 - o.momentum)
            case "nesterov":
                velocity = o.momentum * velocity - LR * (g + o.weight_decay * o.momentum * velocity)
                x += velocity
                rate = LR / (1 - o.momentum)
            case "sam":
                velocity = o.momentum * velocity + g
                x -= LR * velocity
                rate = LR / (1 - o.momentum)
            case "rmsprop_nesterov":
                v = o.rho * v + (1 - o.rho) * g * g
                velocity = o.momentum * velocity - LR * g / (v**0.5 + o.eps)
                x += velocity
                rate = LR / (v**0.5 + o.eps) / (1 - o.momentum)
            case "adagrad":
                v += g * g
                rate = LR / root(v, o)
                x -= rate * g
            case "rmsprop":
                v = o.rho * v + (1 - o.rho) * g * g
                m = o.rho * m + (1 - o.rho) * g if o.centered else 0.0
                velocity = o.momentum * velocity + g / root(v - m * m, o)
                x -= LR * velocity
                rate = LR / root(v - m * m, o) / (1 - o.momentum)
            case "adadelta":
                v = o.rho * v + (1 - o.rho) * g * g
                rate = LR * (w + o.eps) ** 0.5 / (v + o.eps) ** 0.5
                d = g * rate / LR
                w = o.rho * w + (1 - o.rho) * d * d
                x -= LR * d
            case "lion":
                x -= LR * math.copysign(1.0, o.beta1 * m + (1 - o.beta1) * g)
                m = o.beta2 * m + (1 - o.beta2) * g
            case "adamax":
                m, w = o.beta1 * m + (1 - o.beta1) * g, max(o.beta2 * w, abs(g) + o.eps)
                rate = LR / w
                x -= rate * m / (1 - o.beta1**t)
            case "nadam":
                m, v = o.beta1 * m + (1 - o.beta1) * g, o.beta2 * v + (1 - o.beta2) * g * g
                now, then = (o.beta1 * (1 - 0.5 * 0.96 ** (s * o.momentum_decay)) for s in (t, t + 1))
                product *= now
                rate = LR / ((v / (1 - o.beta2**t)) ** 0.5 + o.eps)
                x -= rate * ((1 - now) * g / (1 - product) + then * m / (1 - product * then))
            case _:
                m, v = o.beta1 * m + (1 - o.beta1) * g, o.beta2 * v + (1 - o.beta2) * g * g
                w = max(w, v) if o.name == "amsgrad" else v
                mean, deviation = m / (1 - o.beta1**t), (w / (1 - o.beta2**t)) ** 0.5 + o.eps
                longest = 2 / (1 - o.beta2) - 1
                length = longest - 2 * t * o.beta2**t / (1 - o.beta2**t)
                if o.name in ("adam", "adamw") and not o.bias_correction:
                    mean, deviation = m, v**0.5 + o.eps
                rate = LR / deviation
                if o.name == "radam" and length <= 5:
                    rate = LR
                elif o.name == "radam":
                    above = (length - 4) * (length - 2) * longest
                    rectified = (above / ((longest - 4) * (longest - 2) * length)) ** 0.5
                    rate = LR * rectified * (1 - o.beta2**t) ** 0.5 / (v**0.5 + o.eps)
                x -= rate * mean
        if o.name != "lion":
            x = math.copysign(max(abs(x) - rate * o.l1, 0.0), x)
    return x


def root(x, o):
    """The denominator of AdaGrad and RMSProp."""
    return (x + o.eps) ** 0.5 if o.eps_inside_root else x**0.5 + o.eps


@pytest.mark.parametrize("variant", PYTORCHS)
def test_twenty_steps_are_pytorchs(variant):
    x, curvature = np.array([1.0, -2.0, 0.5]), np.array([0.1, 1.0, 3.0])
    optimizer = make(variant, 3)
    for t in range(20):
        g = curvature * x + np.cos(float(t)) * np.array([0.5, 0.25, -1.0])
        optimizer.apply(x, g, lr=1.0 if variant == "adadelta" else 0.05)
    np.testing.assert_allclose(x, PYTORCHS[variant], rtol=0, atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 2e-5)])  # 7 steps of a few roundings
def test_equals_the_formula(variant, dtype, rtol):
    rng = np.random.default_rng(0)
    x, gradients = rng.normal(size=37).astype(dtype), rng.normal(size=(7, 37)).astype(dtype)
    expected = [spelled_out(variant, float(x[i]), gradients[:, i].astype(float)) for i in range(37)]
    optimizer = make(variant, 37, dtype)
    for g in gradients:
        before = g.copy()
        optimizer.apply(x, g, lr=LR, scale=SCALE)
        np.testing.assert_array_equal(g, before)
    assert x.dtype == dtype
    assert all(vector.dtype == dtype for vector in optimizer.state.values())
    assert optimizer.count == 7
    np.testing.assert_allclose(x, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_descends_an_ill_conditioned_quadratic(variant, dtype):
    curvature = np.array([0.1, 1.0, 3.0], dtype)
    x = np.array([3.0, -2.0, 1.0], dtype)
    optimizer = make(variant, 3, dtype)
    for _ in range(800):
        optimizer.apply(x, curvature * x, lr={"adadelta": 1.0, "adagrad": 0.5}.get(optimizer.formula.name, 0.02))
    assert np.sum(curvature * x * x) < 1e-2 * np.sum(curvature * np.array([9.0, 4.0, 1.0]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_state_round_trips_to_the_bit(variant):
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(6, 50)).astype(np.float32)
    never_stopped, before = np.ones(50, np.float32), np.ones(50, np.float32)
    one, two, three = (make(variant, 50, np.float32) for _ in range(3))
    for g in gradients:
        one.apply(never_stopped, g, lr=LR)
    for g in gradients[:3]:
        two.apply(before, g, lr=LR)
    resumed = before.copy()
    three.count = two.count
    for name, vector in two.state.items():
        three.state[name][...] = vector
    for g in gradients[3:]:
        three.apply(resumed, g, lr=LR)
    np.testing.assert_array_equal(resumed, never_stopped)


@pytest.mark.parametrize("variant", VARIANTS)
def test_cutting_the_vector_up_changes_no_bit(variant):
    """However the kernels chunk, and wherever a shard begins: elements do not see each other."""
    n = 100_003
    rng = np.random.default_rng(2)
    whole, gradients = rng.normal(size=n).astype(np.float32), rng.normal(size=(2, n)).astype(np.float32)
    parts = whole.copy()
    optimizer = make(variant, n, np.float32)
    cuts = [slice(0, 1), slice(1, 1), slice(1, 40_000), slice(40_000, n)]
    pieces = [make(variant, cut.stop - cut.start, np.float32) for cut in cuts]
    for g in gradients:
        optimizer.apply(whole, g, lr=LR, scale=SCALE)
        for cut, piece in zip(cuts, pieces, strict=True):
            piece.apply(parts[cut], g[cut], lr=LR, scale=SCALE)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("variant", VARIANTS)
def test_spans_are_updated_together_once_and_nothing_else_is(variant):
    """What a rank does whose share of the vector is some cells of each bucket."""
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=30), rng.normal(size=(3, 30))
    spans, whole, some = [slice(2, 9), slice(12, 12), slice(20, 30)], start.copy(), start.copy()
    inside = np.isin(np.arange(30), np.r_[2:9, 20:30])
    one, other = make(variant, 30, np.float64), make(variant, 30, np.float64)
    for g in gradients:
        one.apply(whole, g, lr=LR, scale=SCALE)
        other.apply(some, g, lr=LR, scale=SCALE, spans=spans)
    assert other.count == one.count == 3
    np.testing.assert_array_equal(some, np.where(inside, whole, start))
    for name, vector in other.state.items():
        np.testing.assert_array_equal(vector, np.where(inside, one.state[name], 0))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_rate_of_zero_changes_no_value(variant):
    x = np.arange(4.0)
    make(variant, 4).apply(x, np.ones(4), lr=0.0)
    np.testing.assert_array_equal(x, np.arange(4.0))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_without_parameters_is_fine(variant):
    optimizer = make(variant, 0)
    optimizer.apply(np.empty(0), np.empty(0), lr=LR)
    assert optimizer.count == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_update_allocates_no_array(variant):
    """It works in pieces that fit in cache, and in work space that is kept: the traffic is that of its own vectors."""
    n = 4 * PIECE
    optimizer, x, g = make(variant, n), np.ones(n), np.linspace(-1, 1, n)
    optimizer.apply(x, g, lr=LR, scale=SCALE)  # makes the work space
    tracemalloc.start()
    try:
        optimizer.apply(x, g, lr=LR, scale=SCALE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < PIECE * x.itemsize / 2


@pytest.mark.parametrize(
    ("part", "option"),
    [
        (Sgd(lr=-1.0), "lr"),
        (Sgd(momentum=1.0), "momentum"),
        (Sgd(momentum=0.0, nesterov=True), "nesterov"),
        (Sgd(momentum=0.0, momentum_form="lecture"), "momentum_form"),
        *((Optim(name=name, l1=-0.1), "l1") for name in Optim.parts["sgd"].having("l1")),
        *((Optim(name=name, weight_decay=-0.1), "weight_decay") for name in Optim.parts["sgd"].having("weight_decay")),
        (Optim(name="nadam", momentum_decay=-0.1), "momentum_decay"),
        (Optim(name="rmsprop", rho=1.0), "rho"),
        (Optim(name="adam", beta2=1.0), "beta2"),
        (Optim(name="adam", eps=0.0), "eps"),
    ],
)
def test_each_part_knows_its_ranges(part, option):
    assert [name for name, ok, _ in part.ranges() if not ok] == [option]
