"""Every value is checked for type and range, and survives the way to TOML, JSON and back."""

import dataclasses
import json
import tomllib
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import (
    Checkpoint,
    Clip,
    Comm,
    Config,
    Data,
    Evaluation,
    NonFinite,
    Optim,
    Run,
    Schedule,
)
from ddtrain.trainer.config.validation import validate


@dataclass(frozen=True)
class Head:
    scale: float = 1.0
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Model:
    widths: tuple[int, ...] = (16, 32)
    kernel: tuple[int, int] = (3, 3)
    head: Head = Head()


@dataclass(frozen=True)
class Recipe(Config):
    run: Run = Run(epochs=3)
    model: Model = Model()


ODD = Recipe(
    run=Run(dir='a "quoted" \\ path\twith\nlines \x7f \x00 é 😀', seed=2**64 - 1),
    optim=Optim(lr=1e-300, eps=1e16, nesterov=True),
    model=Model(widths=(), head=Head(scale=0.1 + 0.2, names=("", "'", "[x]"))),
)


@pytest.mark.parametrize("config", [Config(), Recipe(), ODD])
def test_toml_and_json_give_the_same_configuration_back(config):
    start = type(config)()
    assert start.updated(tomllib.loads(config.to_toml())) == config
    assert start.updated(json.loads(json.dumps(config.to_table()))) == config


def test_toml_names_the_recipe_first():
    table = tomllib.loads(Recipe().to_toml("mlp"))
    assert table.pop("recipe") == "mlp"
    assert table == Recipe().to_table()


def test_non_finite_numbers_are_toml_too():
    table = tomllib.loads(tables.to_toml({"a": float("inf"), "b": -float("inf"), "c": float("nan")}))
    assert (table["a"], table["b"]) == (float("inf"), -float("inf"))
    assert table["c"] != table["c"]


def test_updating_changes_what_it_is_given_alone():
    config = ODD.updated({"model": {"head": {"scale": 3}}, "data": {"batch-size": 7}})
    assert config.model.head == replace(ODD.model.head, scale=3.0)
    assert type(config.model.head.scale) is float
    assert config.data.batch_size == 7
    assert config.run == ODD.run


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"optim": {"lr": "0.1"}}, "optim.lr: expected a number, found '0.1'"),
        ({"optim": {"lr": True}}, "optim.lr: expected a number, found True"),
        ({"optim": {"nesterov": 1}}, "optim.nesterov: expected true or false, found 1"),
        ({"run": {"epochs": 2.0}}, "run.epochs: expected an integer, found 2.0"),
        ({"run": {"epochs": False}}, "run.epochs: expected an integer, found False"),
        ({"run": {"dir": 3}}, "run.dir: expected a string, found 3"),
        ({"run": {"dtype": "float16"}}, "run.dtype: 'float16' is none of float32, float64"),
        ({"run": {"dtype": ["float32"]}}, "run.dtype: ['float32'] is none of float32, float64"),
        ({"run": 3}, "run: expected a section, found 3"),
        ({"model": {"widths": 3}}, "model.widths: expected a list, found 3"),
        ({"model": {"widths": [3, "x"]}}, "model.widths[1]: expected an integer, found 'x'"),
        ({"model": {"kernel": [3]}}, "model.kernel: expected 2 values, found 1"),
        ({"model": {"head": {"scale": []}}}, "model.head.scale: expected a number, found []"),
        ({"optim": {"mometum": 0.9}}, "unknown key 'optim.mometum'\n  Did you mean optim.momentum?"),
        ({"optm": {"lr": 0.9}}, "unknown section 'optm'\n  Did you mean optim?"),
        ({"lr": 0.9}, "unknown key 'lr'\n  Did you mean optim.lr?"),
        ({"optim": {"batch_size": 1}}, "unknown key 'optim.batch_size'\n  Did you mean data.batch_size?"),
        ({"zzz": 0.9}, "unknown key 'zzz'"),
    ],
)
def test_wrong_types_and_unknown_keys(table, complaint):
    with pytest.raises(UsageError) as caught:
        Recipe().updated(table)
    assert str(caught.value).startswith(complaint)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": Data(batch_size=0)}, "--data.batch-size 0 is out of range: Give at least 1."),
        ({"data": Data(batch_size=-8)}, "--data.batch-size -8 is out of range"),
        ({"data": Data(batch_size=3)}, "--data.batch-size 3 is smaller than the 4 ranks"),
        ({"run": Run(epochs=0)}, "--run.epochs 0"),
        ({"run": Run(seed=-1)}, "--run.seed -1"),
        ({"run": Run(seed=2**64)}, "--run.seed 18446744073709551616"),
        ({"run": Run(dir="a/" + "é" * 128)}, "--run.dir has a name of 256 bytes: Give at most 255"),
        ({"run": Run(resume="x" * 300)}, "--run.resume has a name of 300 bytes"),
        ({"data": Data(root="x" * 300)}, "--data.root has a name of 300 bytes"),
        ({"checkpoint": Checkpoint(keep=0)}, "--checkpoint.keep 0"),
        ({"nonfinite": NonFinite(max_skips=0)}, "--nonfinite.max-skips 0"),
        ({"run": Run(steps=-1)}, "--run.steps -1"),
        ({"run": Run(dtype="float16")}, "run.dtype: 'float16'"),
        ({"run": Run(epochs="3")}, "run.epochs: expected an integer, found '3'"),
        ({"comm": Comm(bucket_bytes=0)}, "--comm.bucket-bytes 0"),
        ({"optim": Optim(lr=float("nan"))}, "--optim.lr nan"),
        ({"optim": Optim(lr=float("inf"))}, "--optim.lr inf"),
        ({"optim": Optim(lr=-0.1)}, "--optim.lr -0.1"),
        ({"optim": Optim(momentum=1.0)}, "--optim.momentum 1.0"),
        ({"optim": Optim(beta2=1.0)}, "--optim.beta2 1.0"),
        ({"optim": Optim(eps=0.0)}, "--optim.eps 0.0"),
        ({"optim": Optim(name="adam", nesterov=True)}, "--optim.nesterov needs --optim.name sgd"),
        ({"optim": Optim(momentum=0.0, nesterov=True)}, "--optim.nesterov needs"),
        ({"schedule": Schedule(min_lr=0.5)}, "--schedule.min-lr 0.5 is above --optim.lr 0.1"),
        ({"schedule": Schedule(decay_every=0)}, "--schedule.decay-every 0"),
        ({"schedule": Schedule(factor=0.0)}, "--schedule.factor 0.0"),
        (
            {"schedule": Schedule(name="plateau"), "eval": Evaluation(every=0)},
            "--schedule.name plateau watches evaluations",
        ),
        ({"eval": Evaluation(every=0, patience=2)}, "--eval.patience watches evaluations"),
        ({"clip": Clip(norm=float("inf"))}, "--clip.norm inf"),
        ({"clip": Clip(value=-1.0)}, "--clip.value -1.0"),
    ],
)
def test_values_out_of_range_are_named_by_their_option(change, complaint):
    with pytest.raises(UsageError) as caught:
        validate(replace(Config(), **change), size=4)
    assert caught.value.one_line.startswith(complaint)
    assert "\n" not in caught.value.one_line


@pytest.mark.parametrize("config", [Config(), Recipe(), Config(data=Data(batch_size=4))])
def test_the_defaults_are_valid(config):
    validate(config, size=4)


def test_every_number_has_a_range():
    """A new option cannot be forgotten: each int and float is refused at some absurd value."""
    for leaf in tables.leaves(Config()):
        section, name = leaf.split(".")
        if type(tables.lookup(Config(), leaf)) in (int, float):
            absurd = replace(Config(), **{section: replace(getattr(Config(), section), **{name: -1})})
            with pytest.raises(UsageError, match=f"--{leaf.replace('_', '-')} -1"):
                validate(absurd, size=1)


def test_configurations_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().run.epochs = 3


@pytest.mark.parametrize("given", [None, {"epochs": 3}, 3])
def test_what_is_no_section_is_named_and_what_is_wanted(given: Any) -> None:
    with pytest.raises(UsageError, match=r"run: expected the section Run, found .*\n  Give Run\(\.\.\.\)\."):
        validate(Config(run=given), size=1)
