"""NumPy's words: every parameter of every function, by name and by position, traced and not.

Driven by the namespaces, so that a new function is tested as it is added. What would make these fail: a function of
ours whose parameters stand in another order than NumPy's, that lacks one without saying so, or that answers a plain
call otherwise than NumPy.
"""

import inspect

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, jvp, vjp
from ddtrain.errors import DerivativeError
from ddtrain.numpy.dispatch.keywords import HARMLESS, REMEDIES
from ddtrain.numpy.dispatch.numpy_calls import MEANINGS
from ddtrain.numpy.dispatch.signatures import own_parameters, parameters, renamed

SPACES = {"": (np, onp, np.__all__), "linalg.": (np.linalg, onp.linalg, np.linalg.RULED)}
SPACES["fft."] = (np.fft, onp.fft, np.fft.RULED)
rng = onp.random.default_rng(11)
X, Y = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
MASK = onp.array([[True, False, True, True], [True, True, False, True], [False, True, True, False]])

PAIRS = {
    prefix + name: (getattr(ours, name), getattr(theirs, name))
    for prefix, (ours, theirs, names) in SPACES.items()
    for name in names
    if callable(getattr(theirs, name, None)) and not isinstance(getattr(ours, name), type)
    if getattr(ours, name) is not getattr(theirs, name)
}
# what traced calls are refused: keyword -> reason; of single functions, their further ones
REFUSED = {
    "casting": "a rule is of values in their own dtype",
    "dtype": "but floating ones, which are a cast of what goes in",
    "like": "the array made would be another library's",
    "order": "names fields, which a traced array does not have; any layout is taken",
    "out": "a trace cannot follow what is written into an array",
    "signature": "names loops by their dtypes",
    "where": "of a ufunc leaves entries undefined; of a reduction it is taken",
}
REFUSED_BY = {  # for which a function of ours would be another one
    "array": {"ndmin", "ndmax"},
    "matmul": {"axes", "axis", "keepdims"},
    "matvec": {"axes", "axis", "keepdims"},
    "nanpercentile": {"weights"},
    "nanquantile": {"weights"},
    "percentile": {"weights"},
    "polyfit": {"rcond", "full", "cov"},
    "quantile": {"weights"},
    "take": {"mode"},
    "trim_zeros": {"axis"},
    "vecdot": {"axes", "keepdims"},
    "vecmat": {"axes", "axis", "keepdims"},
}
REDUCTIONS = ["sum", "prod", "max", "min", "mean", "std", "var"]
REDUCTIONS += [f"nan{name}" for name in REDUCTIONS]
HAVE_INITIAL = ("sum", "prod", "max", "min")


def known(name):
    """The two functions, NumPy's parameters, and those of them that ours takes, with its names."""
    ours, theirs = PAIRS[name]
    signature = parameters(theirs)
    if signature is None:
        pytest.skip("this NumPy does not tell")
    return ours, theirs, signature.parameters, renamed(ours, theirs)


@pytest.mark.parametrize("name", PAIRS)
def test_every_parameter_of_numpys_is_taken_or_refused_for_a_reason(name):
    ours, theirs, expected, own = known(name)
    meant = inspect.signature(MEANINGS[theirs]).parameters if theirs in MEANINGS else {}
    free = any(p.kind is p.VAR_KEYWORD for p in own_parameters(ours).parameters.values())
    for key, p in expected.items():
        taken = p.kind is p.VAR_KEYWORD or free or key in {*own, *meant, *HARMLESS}
        assert taken or key in REFUSED or key in REFUSED_BY.get(name, ()), (
            f"{name}: {key}= is neither taken nor refused"
        )


@pytest.mark.parametrize("name", PAIRS)
def test_positions_are_numpys(name):
    ours, _, expected, own = known(name)
    theirs = [p for p in expected.values() if p.kind is not p.KEYWORD_ONLY]
    for i, p in enumerate(own_parameters(ours).parameters.values()):
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and i < len(theirs):
            assert own.get(theirs[i].name) == p.name, f"{name}: position {i} is NumPy's {theirs[i].name}, not {p.name}"


@pytest.mark.parametrize("name", REFUSED_BY)
def test_what_is_refused_could_not_be_taken(name):
    _, _, expected, own = known(name)
    assert REFUSED_BY[name] <= REMEDIES.keys() | {"axis", "ndmax"}
    assert not REFUSED_BY[name] & own.keys()
    assert REFUSED_BY[name] & expected.keys()


WRITING = [name for name in PAIRS if "out" in getattr(parameters(PAIRS[name][1]), "parameters", ())]
OTHERS = {"choices": [Y], "indices": [0], "q": 0.5, "x2": Y, "b": Y}  # of more than one array


@pytest.mark.parametrize("name", WRITING)
def test_out_is_refused_by_name(name):
    ours, _, expected, _ = known(name)
    first, *rest = (key for key, p in expected.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD)

    def call(x):
        x = [x, x] if first in ("arrays", "tup") else x
        before = {"compress": [[True]], "einsum": ["ij->i"]}.get(name, [])
        return ours(*before, x, *[OTHERS[key] for key in rest[len(before) :]], out=onp.zeros(()))

    with pytest.raises(DerivativeError, match=r"\w: out= has no derivative rule\n  Leave it out.*test_numpy_calls.py"):
        vjp(call, onp.eye(4))


KEPT = {"axis": 1, "keepdims": True}


def more(name):
    """Further keywords of a reduction: a mask, with a first value where there is one."""
    return {"where": MASK, **({"initial": 0.2} if name.removeprefix("nan") in HAVE_INITIAL else {})}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("kwargs", [{}, {"axis": 0}, {"axis": (0, 1)}, KEPT], ids=str)
@pytest.mark.parametrize("numpys", [False, True], ids=["ours", "NumPy's"])
def test_masks_and_first_values_of_reductions(name, kwargs, numpys):
    fun = getattr(onp if numpys else np, name)
    x = onp.where(Y > 1, onp.nan, X) if name.startswith("nan") else X
    kwargs = kwargs | more(name)
    value, _ = vjp(lambda x: fun(a=x, **kwargs), x)
    onp.testing.assert_allclose(value, getattr(onp, name)(x, **kwargs), rtol=1e-13)
    check_grads(lambda x: fun(x, **kwargs))(x)


@pytest.mark.parametrize("name", [n for n in REDUCTIONS if n.removeprefix("nan") in HAVE_INITIAL])
def test_a_first_value_may_be_traced(name):
    check_grads(lambda x, v: getattr(np, name)(x, axis=0, initial=v))(X, 0.2)


@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_variance_around_a_given_mean(name):
    def call(space, x):
        mean = space.mean(x, 1, keepdims=True)
        return getattr(space, name)(x, 1, mean=mean, correction=1, where=MASK)

    check_grads(lambda x: call(np, x))(X)
    onp.testing.assert_allclose(vjp(lambda x: call(np, x), X)[0], call(onp, X), rtol=1e-13)
    assert (grad(lambda x: getattr(np, name)(x, where=MASK))(onp.ones((3, 4))) == 0).all()


def test_extremes_of_nothing_and_ties_with_the_first_value():
    empty = onp.zeros((0, 3))
    onp.testing.assert_array_equal(vjp(lambda x: np.max(x, 0, initial=-1.0), empty)[0], [-1, -1, -1])
    onp.testing.assert_array_equal(grad(lambda x: np.max(x, initial=2.0))(onp.array([1.0, 2.0])), [0, 0.5])
    for name in ("max", "min", "nanmax", "nanmin"):
        with pytest.raises(ValueError, match="with where=, initial= says"):
            grad(lambda x, name=name: getattr(np, name)(x, where=MASK))(X)
    with pytest.raises(TypeError, match="to dtype\\('bool'\\)"):
        grad(lambda x: np.sum(x, where=X))(X)
    with pytest.raises(ValueError, match="more dimensions"):
        grad(lambda x: np.sum(x, where=onp.ones((2, 3, 4), bool)))(X)


FLOATING = {
    "cumprod": lambda f, x: f(x, 1, dtype="f4"),
    "concatenate": lambda f, x: f([x, x], dtype="f4"),
    "cov": lambda f, x: f(x, dtype="f4"),
    "exp": lambda f, x: f(x, dtype="f4"),
    "hypot": lambda f, x: f(x, x, dtype="f4", casting="same_kind"),
    "mean": lambda f, x: f(x, dtype="f4", where=MASK),
    "nanstd": lambda f, x: f(x, dtype="f4"),
    "prod": lambda f, x: f(x, 0, "f4"),
    "stack": lambda f, x: f((x, x), dtype="f4"),
    "std": lambda f, x: f(x, 0, "f4", None, 1),
    "trace": lambda f, x: f(x, dtype="f4"),
}


@pytest.mark.parametrize("name", FLOATING)
def test_a_floating_dtype_is_a_cast(name):
    call = FLOATING[name]
    value, pull = vjp(lambda x: call(getattr(np, name), x), X)
    expected = call(getattr(onp, name), X)
    assert value.dtype == expected.dtype == onp.float32
    onp.testing.assert_allclose(value, expected, rtol=2e-6)  # some roundings of 6e-8, as for the derivative
    _, exact = vjp(lambda x: call(lambda *args, **kwargs: getattr(np, name)(*_wide(args), **_wide(kwargs)), x), X)
    onp.testing.assert_allclose(pull(expected)[0], exact(expected.astype(float))[0], rtol=2e-6, atol=1e-6)


def _wide(given):
    """The arguments of a call without its dtype."""
    if isinstance(given, dict):
        return {key: value for key, value in given.items() if key != "dtype"}
    return [None if isinstance(value, str) else value for value in given]


def test_dtypes_without_a_derivative_are_refused():
    with pytest.raises(DerivativeError, match=r"prod: dtype= has no derivative rule\n.*astype"):
        grad(lambda x: np.prod(x, dtype=int))(X)
    with pytest.raises(DerivativeError, match="sum: dtype= has no derivative rule"):
        grad(lambda x: np.sum(x, dtype=int, where=MASK))(X)
    with pytest.raises(DerivativeError, match=r"nansum: dtype=float32 drops the imaginary part\n.*np.real"):
        vjp(lambda x: np.nansum(x, dtype="f4"), X + 0j)


NAMED = {  # calls in NumPy's words, which traced values take, too
    "clip": lambda f, x: f(x, min=-0.3, max=0.5),
    "full_like": lambda f, x: f(x, x[0, 0], shape=(2,)),
    "logspace": lambda f, x: f(x, x + 1, 3, axis=1),
    "max": lambda f, x: f(x, 0, None, True),
    "median": lambda f, x: f(x, axis=1, overwrite_input=True),
    "ones_like": lambda f, x: x[:2, 0] * f(a=x, shape=(2,)),
    "quantile": lambda f, x: f(a=x, q=0.3, axis=0),
    "reshape": lambda f, x: f(x, shape=(2, 6)),
    "sort": lambda f, x: f(x, 0, "stable"),
    "std": lambda f, x: f(x, 1, None, None, 1, True),
    "tile": lambda f, x: f(A=x, reps=2),
    "vstack": lambda f, x: f(tup=[x, x]),
    "var": lambda f, x: f(a=x, correction=1),
    "linalg.norm": lambda f, x: f(x=x, axis=1),
    "fft.ifft": lambda f, x: f(a=x, axis=0),
}


@pytest.mark.parametrize("name", NAMED)
def test_calls_in_numpys_words(name):
    call, (ours, theirs) = NAMED[name], PAIRS[name]
    onp.testing.assert_allclose(vjp(lambda x: call(ours, x), X)[0], call(theirs, X), rtol=1e-13)
    onp.testing.assert_allclose(vjp(lambda x: call(theirs, x), X)[0], call(theirs, X), rtol=1e-13)
    check_grads(lambda x: call(ours, x))(X)


def test_methods_take_numpys_words():
    check_grads(lambda x: x.sum(0, where=MASK) + x.clip(min=0.1).max(0, initial=0.3) + x.std(0, None, None, 1))(X)
    check_grads(lambda x: onp.add.reduce(x, 0, where=MASK, initial=2.0) + onp.maximum.reduce(x, initial=0.0))(X)


def test_a_plain_call_is_numpys():
    for name in REDUCTIONS:
        out = onp.zeros(4)
        kwargs = more(name) | {"axis": 0}
        assert getattr(np, name)(X.tolist(), out=out, **kwargs) is out
        onp.testing.assert_array_equal(out, getattr(onp, name)(X, **kwargs))
    for name in ("median", "cumsum", "cumprod", "nancumsum", "ptp"):
        out = onp.zeros(12 if "cum" in name else ())
        assert getattr(np, name)(X, None, out=out) is out
    assert np.sum(onp.ones((2, 3), int), 0, float, None, True).dtype == float
    assert np.exp(X, where=MASK, out=onp.zeros((3, 4)))[0, 1] == 0
    assert type(np.average([1, 2], weights=[1, 1], keepdims=True)) is onp.ndarray
    assert np.asfortranarray(X, like=None).flags.f_contiguous
    assert np.quantile([1, 2, 3], 0.5, weights=[1, 1, 2], method="inverted_cdf") == 2
    assert type(np.concatenate([onp.ma.array([1]), [2]])) is type(onp.concatenate([onp.ma.array([1]), [2]]))


def test_a_wrong_call_says_what_the_function_takes():
    with pytest.raises(TypeError, match=r"sum takes \(a, axis=None.*not such a call"):
        grad(lambda x: np.sum(x, axs=0))(X)
    with pytest.raises(TypeError, match="unexpected keyword argument 'axs'"):
        np.sum(X, axs=0)
    with pytest.raises(DerivativeError, match="sum: axis is traced, and has no derivative"):
        grad(lambda x: np.sum(X, axis=x))(1.0)
    with pytest.raises(DerivativeError, match=r"exp: where= has no derivative rule\n.*np.where"):
        grad(lambda x: np.exp(x, where=MASK))(X)


def test_keywords_of_nested_traces():
    f = lambda x: np.prod(a=np.sin(x), where=MASK, initial=2.0)
    again = grad(lambda x: jvp(lambda y: grad(f)(y)[0, 0], (x,), (Y,))[1])(X)
    product = lambda x: 2.0 * np.prod(np.where(MASK, np.sin(x), 1.0))
    onp.testing.assert_allclose(
        again, grad(lambda x: jvp(lambda y: grad(product)(y)[0, 0], (x,), (Y,))[1])(X), rtol=1e-12
    )
