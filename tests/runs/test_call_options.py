"""What a call of ``fit`` gets wrong is said in the words of the call, not of a command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import ddtrain
from ddtrain.errors import DdtrainError, UsageError
from ddtrain.runs import fit
from ddtrain.runs.call_options import words_of_calls
from ddtrain.trainer.config.config import Config
from helpers import launch, make_task

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "epochs=0 is out of range"),
    ({"epochs": "3"}, "epochs: expected an integer, found '3'"),
    ({"batch_size": 0}, "batch_size=0 is out of range"),
    ({"dtype": "int8"}, "dtype: 'int8' is none of float32, float64"),
    ({"backend": "nix"}, "backend='nix' is not a backend"),
    ({"backend": "threads:0"}, "backend='threads:0': the number of ranks"),
    ({"dir": "", "resume": "auto"}, "resume='auto' without dir=: which run?"),
    ({"dir": "x" * 300}, "dir has a name of 300 bytes"),
    ({"optim": {"lr": -1}}, "optim={'lr': -1.0} is out of range"),
    ({"optim": {"beta1": 0.9}}, "optim={'beta1': ...} is no option of sgd"),
    ({"optim": "adam"}, "optim='adam' is no section\n  Give a dict of options: optim={'name': 'adam'}."),
    ({"lr": 0.1}, "there is no option 'lr'\n  Give optim={'lr': ...}."),
    ({"patience": 3}, "there is no option 'patience'\n  Give eval={'patience': ...}."),
    ({"eval": {"patience": 3, "every": 0}}, "eval={'patience': ...} watches evaluations"),
    ({"schedule": {"warmup_steps": 999}}, "schedule={'warmup_steps': 999} is more than the"),
    ({"comm": {"hook": "sign"}, "run": {"shards": 2}}, "comm={'hook': 'sign'} with run={'shards': 2}: what"),
    ({"comm": {"sharded_optimizer": True}, "run": {"shards": 2}}, "comm={'sharded_optimizer': True} with run="),
    ({"run": {"lr_range_test": "1e-5:1"}, "resume": "auto"}, "with run={'lr_range_test': '1e-5:1'}: a test"),
    ({"data": {"augment": "flp"}}, "data={'augment': 'flp'}: there is no augment"),
    ({"log": {"to": "nix"}}, "log={'to': 'nix'}: there is no callback"),
    ({"callbacks": ["csv"]}, "not a ddtrain.Callback\n  Shipped ones go by name: log={'to': 'csv'}."),
    ({"callbacks": ddtrain.callbacks.CsvLog()}, "callbacks is a CsvLog\n  Give a list"),
    ({"config": {"lr": 1}}, "config is a dict where a ddtrain.Config is wanted"),
    ({"config": Config}, "config is the class Config where a ddtrain.Config is wanted"),
]


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_wrong_options_are_named_as_the_call_gave_them(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fit(make_task(), **{"dir": tmp_path / "run", "quiet": True, "epochs": 1, **options})
    assert said in str(caught.value)
    assert "--" not in str(caught.value)


def test_what_a_directory_holds_is_said_so_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {"dir": tmp_path / "run", "epochs": 1, "batch_size": 7, "quiet": True}
    fit(make_task(), **options)
    with pytest.raises(UsageError, match=r"Give another dir=, or resume='auto' to go on with it\."):
        fit(make_task(), **options)
    with pytest.raises(UsageError, match=r"^seed is 5, but .* had 0\n  Give seed=0, or start anew in another dir=\."):
        fit(make_task(), **options, seed=5, resume="auto")


@pytest.mark.parametrize(
    ("command_line", "call"),
    [
        ("--optim.lr -1.0 is", "optim={'lr': -1.0} is"),
        ("Lower --optim.lr, or", "Lower optim={'lr': ...}, or"),
        ("--optim.lr nan is", "optim={'lr': nan} is"),
        ("--optim.name newton: 3", "optim={'name': 'newton'}: 3"),
        ("--run.resume runs/x with", "resume='runs/x' with"),
        ("more --run.epochs.", "more epochs=."),
        ("--data.batch-size 8, shared", "batch_size=8, shared"),
        ("--data.root is not read", "data={'root': ...} is not read"),
        ("--model.body.width 3 is", "model={'body': {'width': ...}} 3 is"),  # of a configuration that has no such part
        ("--config run.toml: what", "--config run.toml: what"),
        ("run.epochs: expected", "epochs: expected"),
        ("/tmp/run.dir: expected", "/tmp/run.dir: expected"),
    ],
)
def test_how_options_are_spelled(command_line: str, call: str) -> None:
    with pytest.raises(DdtrainError) as caught, words_of_calls(Config().updated({"run": {"resume": "runs/x"}})):
        raise UsageError(command_line, remedy=command_line)
    assert (caught.value.message, caught.value.remedy) == (call, call)


ONE_RANK_ALONE = """
import ddtrain
from ddtrain.errors import UsageError
from helpers import make_task

def build(config):
    if ddtrain.comm.launcher().rank == 1:
        raise UsageError("--optim.lr 3.0 is too much here")
    return make_task()

ddtrain.fit(build, dir="run", epochs=1, quiet=True)
"""


def test_under_mpirun_too(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    path = os.pathsep.join(map(str, (tests.parent, tests)))
    done = launch(2, ONE_RANK_ALONE, program="-c", cwd=tmp_path, PYTHONPATH=path)
    assert "ddtrain.errors.UsageError: optim={'lr': 3.0} is too much here (on rank 1 of 2)" in done.stderr
