"""Gradient checks in a run: right gradients pass on any number of ranks, wrong ones are named, and no bit changes."""

import dataclasses
import json
import sys

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import data, nn, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.diagnose import check_gradients
from ddtrain.errors import GradientError, UsageError
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config.config import Config, Debug
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.main import run
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import make_task, sgd_config
from worlds import World

COUNT = 7  # samples in a global batch, which neither two nor three ranks divide


def check(comm, task=None, dtype="float64", step=0, count=COUNT, spoil=lambda train_step: None):
    task = task or make_task(dtype=dtype)
    train_step = build_step(comm, task, sgd_config(count, dtype))
    spoil(train_step)
    return check_gradients(train_step, step, onp.arange(count))


def test_right_gradients_pass_and_all_ranks_see_the_same(world):
    # dropout with other masks, or batch-norm over a rank's own rows, would be off by far more than 1e-6
    for step in range(5):
        seen = world.run(lambda comm, step=step: check(comm, step=step))
        assert all(s == seen[0] for s in seen)
        assert seen[0].weights >= 6
        assert seen[0].ratio <= 1e-6


def test_a_float32_run_is_checked_in_float64():
    assert 0 < check(LocalCommunicator(), dtype="float32").ratio <= 1e-6


def test_fewer_samples_than_ranks(world):
    for seen in world.run(lambda comm: check(comm, count=2)):
        assert seen.weights


@pytest.mark.parametrize("name", ["fashion_cnn", "digits_mlp", "shakespeare_nnlm"])
def test_the_recipes_networks_pass(name):
    """Those as large as they are trained; smaller ones of all recipes are in tests/recipes/test_every_recipe.py."""
    recipe = RECIPES[name]
    config = dataclasses.replace(recipe.config, data=dataclasses.replace(recipe.config.data, batch_size=8))
    assert check_recipe(config, recipe.build(config)).ratio <= 1e-6


def check_recipe(config, task):
    return check_gradients(build_step(LocalCommunicator(), task, config), 0, onp.arange(8))


def wrong(joint, which, factor):
    """A fused backward whose cotangent of argument ``which`` is off by a factor."""

    def spoiled(argnums, g, *rest):
        return [c if i != which or c is None else factor * c for i, c in zip(argnums, joint(argnums, g, *rest))]

    return spoiled


@pytest.mark.parametrize(
    ("op", "which", "named"),
    [
        ("linear", 1, r"first.weight\[\d, \d\]"),
        ("linear", 0, r"first.weight\[\d, \d\]"),
        ("linear", 2, r"head.bias\[\d\]"),
        ("batch_norm", 1, r"norm.weight\[\d\]"),
        ("batch_norm", 0, r"first.weight\[\d, \d\]"),
        ("dropout", 0, r"first.weight\[\d, \d\]"),
    ],
)
def test_a_backward_off_by_a_ten_thousandth_is_named_on_every_rank(world, monkeypatch, op, which, named):
    # some operations are functions around the fused one
    prim = getattr(sys.modules[f"ddtrain.ops.{op}"], "_fused", None) or getattr(ops, op)
    monkeypatch.setattr(prim, "joint", wrong(prim.joint, which, 1.0001))
    places = []

    def body(comm):
        with pytest.raises(GradientError, match=f"with respect to {named} is .* exceeds 1e-06") as caught:
            check(comm, step=3)
        assert caught.value.exit_code == 70
        assert caught.value.place["step"] == 4  # counted from 1, as everywhere
        places.append(str(caught.value))

    world.run(body)
    assert len(set(places)) == 1, "one error, the same on all ranks"


class Steep(nn.Module):
    """Many weights, one of them with a slope beside which the others are nothing."""

    def __init__(self, steep):
        self.weight = nn.param((500,), lambda generator, shape: onp.full(shape, 0.5))
        self.slopes = onp.where(onp.arange(500) == steep, 100.0, 1.0)

    def forward(self, x):
        return np.sum(np.sin(self.weight * self.slopes)) * x


def test_the_weight_with_the_largest_derivative_is_among_those_tried(monkeypatch):
    """Of a derivative that is wrong there alone, random weights would have told nothing."""
    x, y = onp.ones(COUNT), onp.zeros(COUNT)
    spoiled = lambda rule: lambda g, ans, x: rule(g, ans, x) * onp.where(onp.abs(x) > 5, 1.001, 1.0)
    for steep in (3, 499):
        task = Task(Steep(steep), lambda model, x, y: (model(x), {}), data.ArrayData(x, y))
        assert check(LocalCommunicator(), task).ratio <= 1e-6
        with monkeypatch.context() as patch:
            patch.setitem(np.sin.vjps, 0, spoiled(np.sin.vjps[0]))
            with pytest.raises(GradientError, match=rf"with respect to weight\[{steep}\] "):
                check(LocalCommunicator(), task)


class Clipped(nn.Module):
    """Of each sample, the weight cut at plus and minus x: two kinks, whose slopes cancel in differences across both."""

    def __init__(self):
        self.weight = nn.param((), nn.init.zeros)

    def forward(self, x):
        w = self.weight * onp.ones_like(x)
        return np.where(w > x, x, np.where(w < -x, -x, w))


@pytest.mark.parametrize("odd", [0, 2])
def test_a_kink_that_one_rank_alone_has_is_one_for_all(odd):
    """The others' samples are smooth: that the loss is not, all ranks must hear, or they part ways."""
    limits = onp.ones(3)
    limits[odd] = 5e-6  # within the first step of the differences, and beyond the next
    task = Task(Clipped(), lambda model, x, y: (model(x), {}), data.ArrayData(limits, onp.zeros(3)))
    for seen in World("threads:3").run(lambda comm: check(comm, task, count=3)):
        assert (seen.weights, seen.kinks) == (1, 1)


class Bent(nn.Module):
    """A weight at which ``bend`` may have a kink."""

    def __init__(self, start, bend):
        self.weight, self.bend = nn.param((), lambda generator, shape: onp.full(shape, start)), bend

    def forward(self, x):
        return self.bend(self.weight * x)


BENDS = {
    "relu": ops.relu,
    "where": lambda z: np.where(z > 0, z, 0.25 * z),
    "maximum": lambda z: np.maximum(z, 0.0),
    "abs": abs,
}


def check_bent(start, bend, x=(1.0, 2.0, 3.0)):
    x = onp.array(x)
    task = Task(Bent(start, bend), lambda model, x: (model(x) + 0.1 * model(x) ** 2, {}), data.ArrayData(x))
    return check(LocalCommunicator(), task, count=len(x))


@pytest.mark.parametrize("bend", BENDS)
@pytest.mark.parametrize("start", [5e-6, -5e-6, 3e-7])
def test_a_kink_within_the_step_passes(bend, start):
    check_bent(start, BENDS[bend])


@pytest.mark.parametrize("bend", ["relu", "where", "maximum", "abs"])
def test_on_a_kink_any_slope_between_its_sides_passes(bend):
    seen = check_bent(0.0, BENDS[bend])
    assert seen.kinks == (bend != "abs"), "whose sides cancel, as does its derivative of 0"


def test_few_of_many_units_at_a_kink_are_within_a_thousandth():
    seen = check_bent(5e-6, BENDS["relu"], x=(1e-3, *onp.linspace(3, 4, 20)))
    assert seen.weights == 1


@pytest.mark.parametrize("start", [5e-6, -5e-6, 0.0, 1.0])
def test_a_wrong_slope_near_a_kink_is_still_wrong(monkeypatch, start):
    off = {0.0: lambda g: 0 * g - 0.2, 1.0: lambda g: 1.01 * g}.get(start, lambda g: g + 0.7)
    joint = ops.relu.joint
    monkeypatch.setattr(ops.relu, "joint", lambda argnums, g, *rest: [off(c) for c in joint(argnums, g, *rest)])
    with pytest.raises(GradientError, match="with respect to weight is"):
        check_bent(start, ops.relu)


@pytest.mark.parametrize("bad", [onp.nan, onp.inf])
def test_what_is_not_finite_is_left_to_the_coordinator(bad):
    def spoil(train_step):
        train_step.store.values[0] = bad

    assert check(LocalCommunicator(), spoil=spoil).weights == 0


def test_a_parameter_that_the_loss_ignores_has_derivative_zero():
    class Idle(nn.Module):
        def __init__(self):
            self.used, self.idle, self.none = (nn.param(s, nn.init.ones) for s in ((2,), (3,), (0,)))

        def forward(self, x):
            return x @ self.used

    task = Task(Idle(), lambda model, x: (model(x) ** 2, {}), data.ArrayData(onp.ones((7, 2))))
    assert 3 <= check(LocalCommunicator(), task).weights <= 5


def test_nothing_of_the_step_changes():
    task = make_task()
    train_step = build_step(LocalCommunicator(), task, sgd_config(COUNT))
    before = [x.copy() for x in (train_step.store.values, train_step.store.grads, train_step.store.state)]
    check_gradients(train_step, 0, onp.arange(COUNT))
    for a, b in zip(before, (train_step.store.values, train_step.store.grads, train_step.store.state)):
        onp.testing.assert_array_equal(a, b)
    assert train_step.updates == {}


def train(path, capsys, *options):
    argv = ["digits_mlp", "--run.steps", "5", "--eval.every", "0", "--run.dir", str(path), *options]
    code = run(argv, {"digits_mlp": RECIPES["digits_mlp"]})
    out = capsys.readouterr()
    return code, json.loads((path / "status.json").read_text()), out.out + out.err


@pytest.mark.parametrize("backend", ["local", "debug:threads:3"])
def test_a_run_has_the_same_bits_with_and_without(tmp_path, capsys, backend):
    hashes = []
    for every in ("0", "2"):
        code, _, out = train(
            tmp_path / every, capsys, "--debug.check-gradients-every", every, "--comm.backend", backend
        )
        assert code == 0
        checked = [line.split(":")[0] for line in out.splitlines() if "gradient checked" in line]
        assert checked == (["step 1", "step 3", "step 5"] if every == "2" else [])
        hashes.append(json.loads((tmp_path / every / "summary.json").read_text())["params_sha256"])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("mode", ["local", "diloco", "stale"])
def test_nodes_that_have_gone_apart_are_checked_at_their_mean(tmp_path, capsys, mode):
    hashes, told = [], ("--comm.backend", "threads:2", "--comm.mode", mode)
    for every in ("0", "1"):
        code, _, out = train(tmp_path / every, capsys, "--debug.check-gradients-every", every, *told)
        assert (code, out.count("gradient checked")) == (0, 5 * int(every))
        hashes.append(json.loads((tmp_path / every / "summary.json").read_text())["params_sha256"])
    assert hashes[0] == hashes[1]


def test_a_wrong_gradient_ends_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ops.linear, "joint", wrong(ops.linear.joint, 1, 1.01))
    code, status, out = train(tmp_path / "run", capsys, "--debug.check-gradients-every", "1")
    assert (code, status["state"], status["code"]) == (70, "failed", 70)
    assert "ddtrain: error: gradient check: the derivative of the loss with respect to layers." in out
    assert "Traceback" not in out


def test_the_interval_is_checked():
    with pytest.raises(UsageError, match=r"--debug.check-gradients-every -1 is out of range"):
        validate(Config(debug=Debug(check_gradients_every=-1)), 1)


@pytest.mark.mpi(min_size=2)
def test_real_ranks_see_the_same(comm):
    seen = check(comm)
    assert comm.exchange_objects(seen.ratio) == [seen.ratio] * comm.size
    assert seen.weights
