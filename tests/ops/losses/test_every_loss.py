"""What holds for all losses: one value a sample, the dtype of the scores, derivatives, and no overflow."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import check_grads, grad
from ddtrain.errors import DdtrainError, ShapeError, UsageError
from ddtrain.ops.losses import LOSSES, Loss


def waves(frequency, n=4, k=5):
    """Numbers between -2 and 2 that PyTorch was given, too."""
    return 2 * onp.sin(frequency * onp.arange(1, n * k + 1)).reshape(n, k)


def softmax(x):
    e = onp.exp(x)
    return e / e.sum(-1, keepdims=True)


X, Y, Z = waves(1.3), waves(0.7), waves(2.1)
LABELS, SOME, WEIGHT = onp.array([0, 3, 2, 4]), onp.array([0, 3, -1, 4]), onp.array([0.5, 1.0, 2.0, 0.25, 3.0])
SOFT, BITS = softmax(Y), (Z > 0).astype(int)
PAIRS = onp.array([1, 0, 0, 1])

CALLS = {  # of the scores, and the samples asked for
    "labels": lambda x, i: ops.cross_entropy(x, LABELS[i]),
    "labels, weight, ignored": lambda x, i: ops.cross_entropy(x, SOME[i], WEIGHT, ignore_index=-1),
    "labels, all": lambda x, i: ops.cross_entropy(x, SOME[i], WEIGHT, -1, label_smoothing=0.2),
    "soft": lambda x, i: ops.cross_entropy(x, SOFT[i]),
    "soft, all": lambda x, i: ops.cross_entropy(x, SOFT[i], WEIGHT, label_smoothing=0.2),
    "binary": lambda x, i: ops.binary_cross_entropy_with_logits(x, BITS[i]),
    "binary, soft, weight": lambda x, i: ops.binary_cross_entropy_with_logits(x, SOFT[i], pos_weight=3.0),
    "logistic": lambda x, i: ops.logistic_loss(x, 2 * BITS[i] - 1),
    "squared": lambda x, i: ops.squared_error(x, Y[i].astype(x.dtype)),
    "absolute": lambda x, i: ops.absolute_error(x, Y[i].astype(x.dtype)),
    "huber": lambda x, i: ops.huber_loss(x, Y[i].astype(x.dtype), delta=0.5),
    "binary hinge": lambda x, i: ops.binary_hinge(x, 2 * BITS[i] - 1, margin=0.75),
    "hinge": lambda x, i: ops.hinge(x, LABELS[i], margin=0.75),
    "crammer-singer": lambda x, i: ops.crammer_singer(x, LABELS[i], margin=0.75),
    "kl": lambda x, i: ops.kl_divergence(x, SOFT[i]),
    "contrastive": lambda x, i: ops.contrastive_loss(x, Y[i].astype(x.dtype), PAIRS[i], margin=5.0),
    "triplet": lambda x, i: ops.triplet_loss(x, Y[i].astype(x.dtype), Z[i].astype(x.dtype), margin=1.5),
    "l1 penalty": lambda x, i: ops.l1_penalty(x),
    "l2 penalty": lambda x, i: ops.l2_penalty(x),
    "combined": lambda x, i: ops.combine_losses({"a": ops.l2_penalty(x), "b": ops.l1_penalty(x)}, {"b": 0.1})[0],
}
PYTORCHS = {  # of 2.13, in float64, without reduction: the losses, and the gradient of 1, 2, 3, 4 times them by column
    "labels": (
        [0.5268790640772328, 4.00775478432746, 4.363608649384171, 0.9909536021440796],
        [4.652906485671066, 1.1207059403670754, -2.8633325406044223, -1.7362354538836733, -1.174044431550046],
    ),
    "labels, weight, ignored": (
        [0.2634395320386164, 1.001938696081865, 0.0, 2.9728608064322386],
        [6.31419816825085, 0.9794808137442896, 0.15348678925201656, -0.06457080259527875, -7.38259496865188],
    ),
    "labels, all": (
        [0.8696308373373884, 1.4535558284083878, 0.0, 3.012446478760179],
        [5.961738619902963, 0.7241373883050445, -0.4106235645668056, -0.0701676037077596, -6.205084839933445],
    ),
    "soft": (
        [2.272865872682057, 2.19962603887529, 1.7503371459446764, 2.0429047472883135],
        [3.9342629789634227, -0.48855436014829723, -0.9787313471239767, -1.534847697443971, -0.932129574247179],
    ),
    "soft, all": (
        [3.1718043268896836, 3.943551862303471, 2.329198081594747, 2.8748805231111456],
        [8.01134824086534, 0.0513539157632637, -2.3700074816275345, -0.03239455232373885, -5.660300122677332],
    ),
    "binary": (
        [1.185727072363891, 0.5611962116648967, 1.043959829979165, 1.1518588937244747],
        [0.3455897585964556, 0.09807740689930428, -1.3169891223393586, -0.9199639786128644, 0.519926974945115],
    ),
    "binary, soft, weight": (
        [1.238925006228283, 1.1722455624455939, 1.035548544674349, 1.136885689820059],
        [1.3174284973200046, 0.514945555927413, -0.3187639605640497, -0.41017152226110637, 0.428458532836519],
    ),
    "logistic": (
        [1.185727072363891, 0.5611962116648967, 1.043959829979165, 1.1518588937244747],
        [0.3455897585964555, 0.09807740689930428, -1.3169891223393586, -0.9199639786128644, 0.519926974945115],
    ),
    "squared": (
        [3.6265633725377855, 4.714100199221021, 3.502860993653995, 4.943381580227094],
        [9.349825422290367, 1.5444959133325409, -7.816733387902257, -6.277457253780178, 2.9086202881647045],
    ),
    "absolute": (
        [1.6498441615331358, 1.7535387881082958, 1.4880212893282303, 1.9019966675473596],
        [0.8, 0.4, -2.0, -2.0, -0.4],
    ),
    "huber": (
        [0.6999220807665679, 0.7529812242896129, 0.643786425156416, 0.826191073998579],
        [0.6983244764771357, 0.2, -0.9572478649706656, -0.9860244317852288, -0.1543338978581468],
    ),
    "hinge": (  # multi_margin_loss, times 5 classes
        [0.0, 10.915833222282146, 12.623457429649704, 1.0824735671952754],
        [9.0, 5.0, -10.0, -5.0, 1.0],
    ),
    "kl": (
        [0.8971010136836881, 1.2665970607975428, 0.6102179886632147, 1.0165392622692269],
        [3.9342629789634227, -0.48855436014829723, -0.9787313471239767, -1.534847697443971, -0.932129574247179],
    ),
    "triplet": (
        [0.6007699265663469, 3.4945506545035334, 0.39758789954139484, 1.5067010957445932],
        [1.05621215058467, -0.5373948157342052, -0.3867862469636364, 0.14194772041712322, -1.3064263562869762],
    ),
}
ALL = slice(None)
every_loss = pytest.mark.parametrize("name", CALLS)


@pytest.mark.parametrize("name", PYTORCHS)
def test_values_and_gradients_are_pytorchs(name):
    losses, by_column = PYTORCHS[name]
    onp.testing.assert_allclose(CALLS[name](X, ALL), losses, rtol=1e-13, atol=1e-14)
    g = grad(lambda x: np.sum(np.arange(1.0, 5.0) * CALLS[name](x, ALL)))(X)
    onp.testing.assert_allclose(g.sum(0), by_column, rtol=1e-12, atol=1e-13)
    single = CALLS[name](X.astype(onp.float32), ALL)
    onp.testing.assert_allclose(single, losses, rtol=2e-5, atol=1e-6)


@every_loss
def test_derivatives(name):
    check_grads(lambda x: CALLS[name](x, ALL), order=2)(X)


@every_loss
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_one_value_a_sample_in_the_dtype_of_the_scores(name, dtype):
    x = X.astype(dtype)
    losses = CALLS[name](x, ALL)
    assert losses.shape == (4,)
    assert losses.dtype == dtype
    assert grad(lambda x: np.sum(CALLS[name](x, ALL)))(x).dtype == dtype
    none = CALLS[name](x[:0], slice(0))
    assert none.shape == (0,)
    assert none.dtype == dtype
    assert grad(lambda x: np.sum(CALLS[name](x, slice(0))))(x[:0]).shape == (0, 5)


@every_loss
def test_a_samples_loss_does_not_depend_on_the_others(name):
    whole = CALLS[name](X, ALL)
    for i in range(4):
        onp.testing.assert_allclose(CALLS[name](X[i : i + 1], slice(i, i + 1)), whole[i : i + 1], rtol=1e-14)


@every_loss
def test_arrays_that_are_not_contiguous(name):
    strided = onp.asfortranarray(X)
    wide = onp.repeat(X, 2, axis=1)[:, ::2]
    for x in (strided, wide):  # to rounding: compiled kernels take contiguous arrays alone, and round elsewhere
        onp.testing.assert_allclose(CALLS[name](x, ALL), CALLS[name](X, ALL), rtol=1e-14)
        g = grad(lambda x: np.sum(CALLS[name](x, ALL)))
        onp.testing.assert_allclose(g(x), g(X), rtol=1e-13, atol=1e-15)


@every_loss
def test_scores_of_ten_thousand_in_float32(name):
    x = onp.where(X > 0, 1e4, -1e4).astype(onp.float32)
    expected = CALLS[name](x.astype(onp.float64), ALL)  # pytest makes errors of warnings of overflow
    onp.testing.assert_allclose(CALLS[name](x, ALL), expected, rtol=1e-5, atol=1e-3)  # distances cancel
    assert onp.isfinite(expected).all()
    assert onp.isfinite(grad(lambda x: np.sum(CALLS[name](x, ALL)))(x)).all()


@every_loss
def test_a_nan_of_one_sample_is_that_samples(name):
    x = X.copy()
    x[1, 2] = onp.nan
    assert onp.isnan(CALLS[name](x, ALL)).tolist() == [False, True, False, False]


def x(*shape):
    return onp.zeros(shape)


WRONG = {
    "cross_entropy: the soft targets of sample 1 sum to 0.5, not to 1 (1 of 2 do so)": lambda: ops.cross_entropy(
        x(2, 2), onp.array([[1.0, 0.0], [0.25, 0.25]])
    ),
    "cross_entropy: the soft targets of sample 0 sum to nan, not to 1 (1 of 1 do so)": lambda: ops.cross_entropy(
        x(1, 2), onp.array([[onp.nan, 1.0]])
    ),
    "kl_divergence: the soft targets of sample 0 have the negative entry -0.5 (1 of 1 do so)": lambda: (
        ops.kl_divergence(x(1, 2), onp.array([[1.5, -0.5]]))
    ),
    "cross_entropy: scores have shape (2, 3) but soft targets have shape (2, 4)": lambda: ops.cross_entropy(
        x(2, 3), x(2, 4)
    ),
    "cross_entropy: scores have shape (2, 3) but labels have shape (2, 1)": lambda: ops.cross_entropy(
        x(2, 3), onp.zeros((2, 1), int)
    ),
    "correct: scores have shape () but soft targets have shape ()": lambda: ops.correct(x(), x()),
    "cross_entropy: scores have shape (2, 3) but labels have shape (3,)": lambda: ops.cross_entropy(
        x(2, 3), onp.zeros(3, int), ignore_index=0
    ),
    "cross_entropy: label -2 at position 1 is outside [0, 3) (1 of 2 are)": lambda: ops.cross_entropy(
        x(2, 3), onp.array([-1, -2]), ignore_index=-1
    ),
    "cross_entropy: label 3 at position 1 is outside [0, 3) (1 of 2 are)": lambda: ops.cross_entropy(
        x(2, 3), onp.array([0, 3]), label_smoothing=0.1
    ),
    "cross_entropy: weight has shape (2,) but the scores have shape (2, 3)": lambda: ops.cross_entropy(
        x(2, 3), onp.zeros(2, int), [1.0, 2.0]
    ),
    "cross_entropy: label_smoothing 1.5 is out of range": lambda: ops.cross_entropy(
        x(2, 3), onp.zeros(2, int), label_smoothing=1.5
    ),
    "cross_entropy: soft targets have no label -1 to ignore": lambda: ops.cross_entropy(
        x(2, 3), x(2, 3), ignore_index=-1
    ),
    "binary_cross_entropy_with_logits: target 2 at position 1 is outside [0, 1] (1 of 2 are)": lambda: (
        ops.binary_cross_entropy_with_logits(x(2), onp.array([1, 2]))
    ),
    "binary_cross_entropy_with_logits: target nan at position (0, 1) is outside [0, 1] (1 of 2 are)": lambda: (
        ops.binary_cross_entropy_with_logits(x(1, 2), onp.array([[0.0, onp.nan]]))
    ),
    "binary_cross_entropy_with_logits: logits has shape (2, 1) but targets has shape (2,)": lambda: (
        ops.binary_cross_entropy_with_logits(x(2, 1), x(2))
    ),
    "binary_cross_entropy_with_logits: pos_weight -1.0 is out of range": lambda: ops.binary_cross_entropy_with_logits(
        x(2), x(2), -1.0
    ),
    "logistic_loss: label 0 at position 2 is neither -1 nor 1 (1 of 3 are)": lambda: ops.logistic_loss(
        x(3), onp.array([1, -1, 0])
    ),
    "logistic_loss: scores has shape (3, 1) but labels has shape (3,)": lambda: ops.logistic_loss(x(3, 1), x(3)),
    "binary_hinge: label 0.0 at position 0 is neither -1 nor 1 (2 of 2 are)": lambda: ops.binary_hinge(x(2), x(2)),
    "hinge: label 3 at position 0 is outside [0, 3) (1 of 1 are)": lambda: ops.hinge(x(1, 3), onp.array([3])),
    "crammer_singer: label 3 at position 0 is outside [0, 3) (1 of 1 are)": lambda: ops.crammer_singer(
        x(1, 3), onp.array([3])
    ),
    "crammer_singer: labels have dtype float64, not integers": lambda: ops.crammer_singer(x(1, 3), x(1)),
    "hinge: margin 0 is out of range": lambda: ops.hinge(x(1, 3), onp.array([0]), margin=0),
    "absolute_error: prediction has shape (4, 1) but target has shape (4,)": lambda: ops.absolute_error(x(4, 1), x(4)),
    "huber_loss: prediction has shape () but target has shape ()": lambda: ops.huber_loss(x(), x()),
    "huber_loss: delta 0.0 is out of range": lambda: ops.huber_loss(x(4), x(4), 0.0),
    "contrastive_loss: a has shape (2, 3) but b has shape (2, 2)": lambda: ops.contrastive_loss(
        x(2, 3), x(2, 2), onp.ones(2)
    ),
    "contrastive_loss: 2 pairs but same has shape (3,)": lambda: ops.contrastive_loss(x(2, 3), x(2, 3), onp.ones(3)),
    "contrastive_loss: label -1 at position 0 is neither 0 nor 1 (1 of 2 are)": lambda: ops.contrastive_loss(
        x(2, 3), x(2, 3), onp.array([-1, 1])
    ),
    "triplet_loss: anchor has shape (2, 3) but negative has shape (1, 3)": lambda: ops.triplet_loss(
        x(2, 3), x(2, 3), x(1, 3)
    ),
    "l1_penalty: hidden is one number": lambda: ops.l1_penalty(x()),
    "combine_losses: there are no losses": lambda: ops.combine_losses({}),
    "combine_losses: there is a weight for 'hiden', which is no loss": lambda: ops.combine_losses(
        {"hidden": x(2)}, {"hiden": 1.0}
    ),
    "combine_losses: 'b' has 3 samples but 'a' has 2": lambda: ops.combine_losses({"a": x(2), "b": x(3)}),
    "combine_losses: 'a' is an array of shape (2, 3) where one value a sample is wanted": lambda: ops.combine_losses(
        {"a": x(2, 3)}
    ),
    "combine_losses: 'a' is a float where one value a sample is wanted": lambda: ops.combine_losses({"a": 1.0}),
    "contrastive: outputs are an ndarray where 2 embeddings are wanted": lambda: Loss(name="contrastive")(x(2), x(2)),
    "triplet: outputs are 2 of them where 3 embeddings are wanted": lambda: Loss(name="triplet")((x(2), x(2)), None),
    "triplet: there are no targets beside the three embeddings": lambda: Loss(name="triplet")((x(2), x(2)), x(2)),
    "correct: label 2 at position 0 is outside [0, 2) (1 of 1 are)": lambda: ops.correct(x(1, 2), onp.array([2])),
    "correct: the soft targets of sample 0 sum to 0, not to 1 (1 of 1 do so)": lambda: ops.correct(x(1, 2), x(1, 2)),
}


@pytest.mark.parametrize("message", WRONG)
def test_message(message):
    with pytest.raises(DdtrainError) as error:
        WRONG[message]()
    assert error.value.message == message
    assert isinstance(error.value, (ShapeError, UsageError))
    assert error.value.remedy


PARTS = {  # each part with options that are not its defaults, and the function that it is
    "cross_entropy": (
        {"weight": tuple(WEIGHT), "label_smoothing": 0.2, "ignore_index": -1},
        CALLS["labels, all"],
        SOME,
    ),
    "binary_cross_entropy": ({"pos_weight": 3.0}, CALLS["binary, soft, weight"], SOFT),
    "logistic": ({}, CALLS["logistic"], 2 * BITS - 1),
    "squared": ({}, CALLS["squared"], Y),
    "absolute": ({}, CALLS["absolute"], Y),
    "huber": ({"delta": 0.5}, CALLS["huber"], Y),
    "binary_hinge": ({"margin": 0.75}, CALLS["binary hinge"], 2 * BITS - 1),
    "hinge": ({"margin": 0.75}, CALLS["hinge"], LABELS),
    "crammer_singer": ({"margin": 0.75}, CALLS["crammer-singer"], LABELS),
    "kl_divergence": ({}, CALLS["kl"], SOFT),
    "contrastive": ({"margin": 5.0}, CALLS["contrastive"], PAIRS),
    "triplet": ({"margin": 1.5}, CALLS["triplet"], None),
}
OUTPUTS = {"contrastive": (X, Y), "triplet": (X, Y, Z)}


def test_the_parts_cover_the_table():
    assert set(PARTS) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_a_part_is_its_function_with_its_options(name):
    options, function, targets = PARTS[name]
    part = Loss(name=name, **options)
    assert all(ok for _, ok, _ in part.ranges())
    assert {option for option, _, _ in part.ranges()} >= set(options) - {"ignore_index"}
    onp.testing.assert_array_equal(part(OUTPUTS.get(name, X), targets), function(X, ALL))
    if options:
        default = Loss(name=name)
        plain = targets if name != "cross_entropy" else onp.abs(targets)
        assert (default(OUTPUTS.get(name, X), plain) != function(X, ALL)).any()


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("cross_entropy", "label_smoothing", -0.1),
        ("cross_entropy", "weight", (1.0, -1.0)),
        ("cross_entropy", "weight", (1.0, float("nan"))),
        ("binary_cross_entropy", "pos_weight", -1.0),
        ("huber", "delta", 0.0),
        ("hinge", "margin", 0.0),
        ("triplet", "margin", -1.0),
    ],
)
def test_ranges(name, option, value):
    assert [o for o, ok, _ in Loss(name=name, **{option: value}).ranges() if not ok] == [option]


def test_an_option_of_another_loss_is_refused():
    with pytest.raises(UsageError, match=r"--loss\.delta is no option of hinge"):
        Loss(name="hinge", delta=1.0)
