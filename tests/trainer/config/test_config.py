"""Every value is checked for its type, and survives the way to TOML, JSON and back."""

import dataclasses
import json
import tomllib
from dataclasses import dataclass, replace

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Config, Optim, Run


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
    optim=Optim(name="adam", lr=1e-300, eps=1e16),
    model=Model(widths=(), head=Head(scale=0.1 + 0.2, names=("", "'", "[x]"))),
)


@pytest.mark.parametrize("config", [Config(), Recipe(), ODD])
def test_toml_and_json_give_the_same_configuration_back(config):
    start = type(config)()
    assert start.updated(tomllib.loads(config.to_toml())) == config
    assert start.updated(json.loads(json.dumps(config.to_table()))) == config


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


def test_configurations_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().run.epochs = 3
