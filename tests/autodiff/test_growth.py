"""Work and memory grow with the number of steps and no faster; what a trace held is freed with it, without a collector.

Work is counted in calls, which are the same every time, and not in seconds.
"""

import gc
import sys
import threading
import tracemalloc

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import defvjp, grad, jvp, primitive, record, walk_back
from ddtrain.autodiff.core.primitives import PRIMITIVES

ONE = onp.array(1.0)

STEPS = {
    "constant": lambda x, y: x * 1.0000001,
    "product": lambda x, y: x * y,
    "twice": lambda x, y: (x + x) * 0.5,  # two paths a step: 2^n in all
    "sine": lambda x, y: np.sin(x),
    "view": lambda x, y: np.reshape(x, (1,))[0],
    "keyword": lambda x, y: np.sum(x * np.ones((2, 1)), axis=0)[0] * 0.5,
}


def chain(step, n):
    def fun(x, y):
        for _ in range(n):
            x = step(x, y)
        return x

    return fun


def calls(work):
    """Calls of functions, Python's and C's, that ``work()`` makes."""
    count = 0

    def tick(frame, event, arg):
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()  # its callbacks would count
    sys.setprofile(tick)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(
    "derivative", [grad, lambda f: lambda x, y: jvp(f, (x, y), (x, y))], ids=["reverse", "forward"]
)
def test_calls_are_linear_in_steps(name, derivative):
    def count(n):
        fun = derivative(chain(STEPS[name], n))
        return calls(lambda: fun(ONE, ONE))

    count(1)  # rules of variadic primitives are made at first use
    a, b, c = count(50), count(100), count(200)
    assert c - b == 2 * (b - a)


def test_each_rule_is_called_once_a_step():
    seen, before = [], len(PRIMITIVES)
    add = primitive(lambda x, y: x + y, name="add_counted")
    del PRIMITIVES[before:]
    rule = lambda g, ans, x, y: (seen.append(1), g)[1]
    defvjp(add, rule, rule)
    assert grad(chain(lambda x, y: add(x, x), 60))(1.0, 1.0) == 2.0**60
    assert len(seen) == 2 * 60


def test_second_derivatives_are_linear_in_steps():
    def count(n):
        fun = grad(grad(chain(STEPS["product"], n)), 1)
        return calls(lambda: fun(ONE, ONE))

    count(1)
    a, b, c = count(50), count(100), count(200)
    assert c - b == 2 * (b - a)


@pytest.mark.parametrize("name", STEPS)
def test_memory_is_linear_in_steps_and_given_back(name):
    def held(n):
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            out, tape, end = record(chain(STEPS[name], n), [ONE, ONE])
            full = tracemalloc.get_traced_memory()[0]
            walk_back(tape, end, ONE)
            del out, tape
            assert gc.collect() == 0  # it empties Python's lists of free tuples, and finds nothing else to free
            return full, tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()

    (a, _), (b, _), (c, left) = held(2500), held(3500), held(5500)
    assert c - b == pytest.approx(
        2 * (b - a), rel=0.02
    )  # a list keeps an eighth in reserve, 1 of some 300 bytes a step
    assert left < 0.01 * c


def test_nothing_is_left_for_the_collector():
    def work():
        for derivative in (grad, lambda f: grad(grad(f)), lambda f: lambda x, y: jvp(grad(f), (x, y), (x, y))):
            derivative(chain(STEPS["product"], 20))(ONE, ONE)
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: x / (1 // 0))(1.0)

    work()
    gc.collect()
    gc.disable()
    try:
        for derivative in (grad, lambda f: grad(grad(f)), lambda f: lambda x, y: jvp(grad(f), (x, y), (x, y))):
            derivative(chain(STEPS["product"], 20))(ONE, ONE)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ["constant", "product", "sine"])
def test_the_collector_sees_one_object_a_step(name):
    n = 2000
    gc.collect()
    before = len(gc.get_objects())
    kept = record(chain(STEPS[name], n), [ONE, ONE])
    gc.collect()  # lets go of tuples of arrays and numbers
    assert len(gc.get_objects()) - before == pytest.approx(n, abs=50)
    del kept


def test_a_million_steps():
    n = 1_000_000
    assert grad(chain(STEPS["constant"], n))(1.0, 1.0) == pytest.approx(1.0000001**n, rel=1e-9)


@pytest.mark.parametrize("derivative", ["reverse over reverse", "forward", "forward over reverse"])
def test_chains_longer_than_the_stack_is_deep_in_every_mode(derivative):
    n = 5 * sys.getrecursionlimit()
    f = lambda x: chain(STEPS["constant"], n)(x * x, None)
    factor = 1.0000001**n
    if derivative == "forward":
        found, wanted = jvp(f, (1.5,), (1.0,))[1], 3.0 * factor
    elif derivative == "forward over reverse":
        found, wanted = jvp(grad(f), (1.5,), (1.0,))[1], 2.0 * factor
    else:
        found, wanted = grad(grad(f))(1.5), 2.0 * factor
    assert found == pytest.approx(wanted, rel=1e-9)


def test_threads_walk_long_tapes_at_the_same_time():
    results, n = {}, 3000

    def work(k):
        results[k] = grad(grad(lambda x: chain(STEPS["constant"], n)(x**k, None)))(1.0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {k: pytest.approx(k * (k - 1) * 1.0000001**n, rel=1e-9) for k in range(2, 6)}
