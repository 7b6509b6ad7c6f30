"""Modes against what they promise: sync where they should be sync, the textbook's loop where they are not, and resumed
runs against those that never stopped."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest
from mode_runs import Sum, farthest, plain_config, take_steps

from ddtrain import data
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.parallel import HOOKS
from ddtrain.trainer.checkpoint import rank_state
from ddtrain.trainer.checkpoint.contents import decode
from ddtrain.trainer.config.config import Checkpoint, Clip, Comm, Config, Data, NonFinite, Optim, Run
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.modes import Sync, make_mode
from ddtrain.trainer.records.metrics import read
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Net, Plain, make_task, sgd_config
from worlds import World


@pytest.mark.parametrize("spec", ["threads:2", "threads:3", "nodes:0011"])
@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("bad", ["gradient", "loss"])
def test_a_skipped_step_leaves_no_trace_in_a_hook_s_memory(spec: str, name: Any, bad: str) -> None:
    """As the run that never had the bad batch: what was remembered is neither lost with it, nor part of it kept."""

    def body(comm: Communicator, batches: list[int]) -> tuple[bytes, ...]:
        told = plain_config(hook=name, topk_fraction=0.1, powersgd_rank=1)
        told = replace(told, nonfinite=NonFinite("skip"))
        task = make_task(Plain())
        x, y = task.train.arrays
        x = x.copy()
        x[7:14] *= np.nan if bad == "gradient" else 1.0
        loss_of = lambda model, x, y: (task.loss(model, x, y)[0] + (np.inf if bad == "loss" and odd else 0), {})
        train_step = build_step(comm, Task(task.model, loss_of, data.ArrayData(x, y)), told)
        mode, coordinator = make_mode(train_step, told.comm), Coordinator(told, train_step.control_comm, 9)
        for batch in batches:
            odd = batch == 1
            totals = mode.gradients(batch, np.arange(7 * batch, 7 * batch + 7))
            mode.apply(coordinator.decide(batch, totals, mode.square_norm()))
        hook = train_step.reducer.hook.state_dict()
        return (train_step.store.values.tobytes(), *(hook[name].tobytes() for name in sorted(hook)))

    with_it, without = (World(spec).run(lambda comm, b=b: body(comm, b)) for b in ([0, 2, 1, 0, 2], [0, 2, 0, 2]))
    assert with_it == without


@pytest.mark.parametrize("pieces", [2, 3])
def test_accumulated_pieces_are_the_whole_batch(pieces: int) -> None:
    """Ragged: batches of 7, and of 2 at the end of an epoch, in 2 and 3 pieces a rank."""
    told = sgd_config(clip=Clip(norm=0.1), run=Run(dtype="float64", epochs=1000, accumulate=pieces))
    for spec in ("local", "threads:2"):
        whole = World(spec).run(lambda comm: take_steps(comm, sgd_config(clip=Clip(norm=0.1))))[0]
        for got in World(spec).run(lambda comm: take_steps(comm, told)):
            assert farthest(got, whole) < 1e-12


def test_accumulated_pieces_share_synchronised_batch_norm() -> None:
    told = sgd_config(run=Run(dtype="float64", epochs=1000, accumulate=2))
    whole = World("local").run(lambda comm: take_steps(comm, sgd_config(), Net))[0]
    for got in World("threads:3").run(lambda comm: take_steps(comm, told, Net)):
        assert farthest(got, whole) < 1e-12


# -- whole runs -----------------------------------------------------------------------------------------------------

CONFIG = Config(
    run=Run(epochs=6, dtype="float32"),
    checkpoint=Checkpoint(every=5),
    data=Data(batch_size=7),
    optim=Optim(name="adamw", lr=0.01, weight_decay=0.1),
)
RECIPES = {
    "tiny": Recipe(CONFIG, lambda config: make_task(dtype=config.run.dtype), "a tiny net"),
    "apart": Recipe(CONFIG, lambda config: make_task(Net(sync=False), config.run.dtype), "its batch-norm by shard"),
}
KINDS = [
    *(("--comm.hook", name, "--comm.topk-fraction", "0.2", "--comm.powersgd-rank", "1") for name in HOOKS),
    ("--comm.mode", "local", "--comm.sync-every", "4"),
    ("--comm.mode", "diloco", "--comm.sync-every", "4"),
    ("--comm.mode", "stale"),
    ("--comm.sharded-optimizer",),
    ("--run.accumulate", "2"),
]


def launch(directory: Path, ranks: int | str, *options: str) -> int:
    """On so many ranks, each a node, or on a backend."""
    backend = ranks if isinstance(ranks, str) else f"threads:{ranks}" if ranks > 1 else "local"
    return run(["tiny", "--run.dir", str(directory), "--comm.backend", backend, *options], RECIPES)


def outcome(directory: Path) -> tuple[str, list[Any]]:
    lines = [line for line in read(directory / "metrics.jsonl") if "lr" in line]
    summary = json.loads((directory / "summary.json").read_text())
    return summary["params_sha256"], [(line["step"], line["loss"], line["grad_norm"]) for line in lines]


@pytest.mark.parametrize("options", KINDS, ids=lambda options: options[1] if len(options) > 1 else options[0])
@pytest.mark.parametrize("ranks", [2, 3])
def test_stopped_anywhere_and_resumed(tmp_path: Path, options: tuple[str, ...], ranks: int) -> None:
    assert launch(tmp_path / "straight", ranks, *options) == 0
    for stop in ("1", "6", "8", "19", "24"):
        assert launch(tmp_path / "cut", ranks, *options, "--run.steps", stop, "--run.resume", "auto") == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")


@pytest.mark.parametrize("options", KINDS[:-1], ids=lambda options: options[1] if len(options) > 1 else options[0])
def test_stopped_and_resumed_where_nodes_have_several_ranks(tmp_path: Path, options: tuple[str, ...]) -> None:
    for name, stops in (("straight", ("9",)), ("cut", ("6", "9"))):
        for stop in stops:
            argv = (*options, "--run.steps", stop, "--run.resume", "auto", "--eval.every", "0")
            assert launch(tmp_path / name, "nodes:0010", *argv) == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")


@pytest.mark.parametrize("options", KINDS, ids=lambda options: options[1] if len(options) > 1 else options[0])
def test_a_resumed_run_keeps_its_hook_and_mode_untold(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The advice at the end of a stopped run, taken literally: ``--run.dir RUN --run.resume auto``."""
    options = (*options, "--comm.bucket-bytes", "300")
    assert launch(tmp_path / "straight", 2, *options) == 0
    assert launch(tmp_path / "cut", 2, *options, "--run.steps", "9") == 0
    assert launch(tmp_path / "cut", 2, "--run.resume", "auto") == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")
    kept, told = (tomllib.loads((tmp_path / name / "config.toml").read_text())["comm"] for name in ("cut", "straight"))
    assert kept == told


@pytest.mark.parametrize("mode", ["local", "diloco", "stale"])
def test_unsynchronised_statistics_resume_between_two_meetings(tmp_path: Path, mode: str) -> None:
    told = ("apart", "--comm.mode", mode, "--comm.sync-every", "4", "--comm.backend", "threads:3")
    for name, stops in (("straight", ("8",)), ("cut", ("1", "6", "8"))):
        for steps in stops:
            argv = [*told, "--run.dir", str(tmp_path / name), "--run.steps", steps, "--run.resume", "auto"]
            assert run(argv, RECIPES) == 0
    model, other = (decode(tmp_path / name / "checkpoints" / "step-00000008").model for name in ("straight", "cut"))
    assert {name: x.tobytes() for name, x in model.items()} == {name: x.tobytes() for name, x in other.items()}
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("straight", "cut")]
    assert summaries[0]["valid_loss"] == summaries[1]["valid_loss"]


def test_a_resumed_run_keeps_to_messages_untold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where ranks share memory, a hook has nothing to send: whether they do decides what it does."""
    told = ("--comm.backend", "nodes:000", "--run.dir")
    topk = ("--comm.hook", "topk", "--comm.node-memory", "off", "--run.steps")
    assert run(["tiny", *told, str(tmp_path / "straight"), *topk, "9"], RECIPES) == 0
    assert run(["tiny", *told, str(tmp_path / "cut"), *topk, "5"], RECIPES) == 0
    assert run([*told, str(tmp_path / "cut"), "--run.resume", "auto", "--run.steps", "9"], RECIPES) == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")
    assert "warning" not in capsys.readouterr().out
    again = ("--run.resume", "auto", "--run.steps", "10", "--comm.node-memory", "auto")
    assert run([*told, str(tmp_path / "cut"), *again], RECIPES) == 0
    assert "--comm.node-memory is auto, but was off: the run goes on differently" in capsys.readouterr().out


def test_a_gradient_of_a_bad_loss_that_is_late_is_left_out_after_a_resume_too(tmp_path: Path) -> None:
    """The gradient itself is finite: a checkpoint that holds it must say what it is of."""
    x = np.stack([10.0 ** np.arange(12), np.where(np.arange(12) == 7, np.inf, 0)], axis=1)
    told = Config(
        run=Run(epochs=1, dtype="float64"),
        nonfinite=NonFinite("skip"),
        data=Data(batch_size=2),
        optim=Optim(name="sgd", lr=1.0, momentum=0.0),
        comm=Comm(mode="stale"),
    )
    task = Task(Sum(), lambda model, x: (model(x) + x[:, 1], {}), data.ArrayData(x))
    recipes = {"bad": Recipe(told, lambda config: task, "one sample has an infinite loss")}
    argv = ["--comm.backend", "threads:2", "--run.dir"]
    assert run([*argv, str(tmp_path / "straight")], recipes) == 0
    for step in range(1, 6):
        cut = [*argv, str(tmp_path / f"{step}")]
        assert run([*cut, "--run.steps", f"{step}"], recipes) == 0
        assert run([*cut, "--run.resume", "auto"], recipes) == 0
        assert outcome(tmp_path / f"{step}")[0] == outcome(tmp_path / "straight")[0]


@pytest.mark.parametrize("mode", ["local", "diloco"])
def test_a_run_that_is_resumed_when_it_is_over_shows_the_mean_of_its_nodes_again(tmp_path: Path, mode: str) -> None:
    """It has no step left, and its nodes are apart."""
    for _ in range(2):
        told = ("--comm.mode", mode, "--comm.sync-every", "4", "--run.steps", "6", "--run.resume", "auto")
        assert launch(tmp_path, 2, *told) == 0
        found = decode(tmp_path / "checkpoints" / "step-00000006").params_sha256
        assert outcome(tmp_path)[0] == found


@pytest.mark.parametrize("name", ["float16", "sign"])
def test_buckets_of_another_size_leave_nothing_behind(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each rank serves a slice of every piece, and owes what it left out of sums there: nobody asks it for others."""
    assert launch(tmp_path, 3, "--comm.hook", name, "--comm.bucket-bytes", "300", "--run.steps", "5") == 0
    assert launch(tmp_path, 3, "--run.resume", "auto", "--comm.bucket-bytes", "1048576", "--run.steps", "6") == 0
    assert "their sum is owed by the first node from here on" in capsys.readouterr().out


@pytest.mark.parametrize("rank", ["1", "3"])
def test_powersgd_goes_on_with_another_rank(tmp_path: Path, rank: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, 2, "--comm.hook", "powersgd", "--comm.powersgd-rank", "2", "--run.steps", "5") == 0
    assert launch(tmp_path, 2, "--run.resume", "auto", "--comm.powersgd-rank", rank) == 0
    assert f"--comm.powersgd-rank is {rank}, but was 2" in capsys.readouterr().out
    assert outcome(tmp_path)[1][-1][0] == 24


@pytest.mark.parametrize("name", [name for name in HOOKS if name != "exact"])
def test_what_was_owed_is_still_owed_by_fewer_or_more_ranks(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ("--comm.hook", name, "--checkpoint.keep", "9")
    assert launch(tmp_path, 3, *told, "--run.steps", "5") == 0
    before = owed(tmp_path, 5)
    assert launch(tmp_path, 2, *told, "--run.resume", "auto", "--run.steps", "5") == 0
    said = "gradients that 3 ranks had not sent yet: their sum is owed by the first node from here on"
    assert capsys.readouterr().out.count(said) == 1
    for backend in (2, 3):
        assert launch(tmp_path, backend, *told, "--run.resume", "auto", "--run.steps", "7") == 0
    assert np.isfinite(owed(tmp_path, 7)).all()
    assert launch(tmp_path, 2, "--run.resume", "auto", "--comm.hook", "exact") == 0
    assert "is dropped, as sums are exact from here on" in capsys.readouterr().out
    assert before.any()


def test_the_sum_of_what_is_owed_survives_a_change_of_ranks() -> None:
    def save(comm: Communicator) -> tuple[Any, Any]:
        mode = a_mode(comm, "float16")
        hook = mode.train_step.reducer.hook
        draw, n = np.random.default_rng(comm.rank), mode.train_step.store.values.size
        hook.load_state_dict({name: draw.standard_normal(n) for name in ("residual", "served")})
        return rank_state.gather(mode), hook.unsent()

    saved = World("threads:3").run(save)
    total = sum(owed for _, owed in saved)
    memory = saved[0][0]

    def load(comm: Communicator) -> tuple[Any, str]:
        mode = a_mode(comm, "float16")
        said = rank_state.restore(mode, memory, same=True)
        return mode.train_step.reducer.hook.unsent(), said

    for spec in ("local", "threads:2", "threads:4"):
        loaded = World(spec).run(load)
        np.testing.assert_allclose(sum(owed for owed, _ in loaded), total, rtol=0, atol=1e-14)
        fate = "is owed by the first node from here on"
        if spec == "local":
            fate = "is added to the first gradient, as there is one node from here on"
        assert {said for _, said in loaded} == {f"gradients that 3 ranks had not sent yet: their sum {fate}"}
        assert all(not owed.any() for owed, _ in loaded[1:])
    for (_, owed), (again, said) in zip(saved, World("threads:3").run(load), strict=True):
        assert said == ""
        assert owed.tobytes() == again.tobytes()


@pytest.mark.parametrize("name", [name for name in HOOKS if name != "exact"])
@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_what_was_owed_is_paid_whoever_goes_on(name: str, spec: str) -> None:
    """A memory of ones, also where powersgd makes no products, and gradients of zero: in the end all of it is out."""

    def body(comm: Communicator) -> tuple[Any, Any]:
        train_step = a_mode(comm, name).train_step
        reducer, grads = train_step.reducer, train_step.store.grads
        reducer.hook.set_unsent(np.full(grads.size, float(comm.rank == 0)))
        paid = np.zeros(grads.size)
        for _ in range(1 if comm.size == 1 else 300):
            grads[...] = 0
            reducer.start()
            for i in range(len(train_step.store.names)):
                reducer.ready(i)
            reducer.finish()
            paid += grads
        return paid, reducer.hook.unsent()

    found = World(spec).run(body)
    paid, left = found[0][0], sum(owed for _, owed in found)
    np.testing.assert_allclose(paid + left, 1.0, rtol=0, atol=1e-12)  # 300 sums of numbers up to 1
    assert np.abs(left).max() <= (0 if spec == "local" else 1e-3)


def a_mode(comm: Communicator, hook: Any) -> Sync:
    told = sgd_config(comm=Comm(hook=hook))
    return make_mode(build_step(comm, make_task(Plain()), told), told.comm)


def owed(directory: Path, step: int) -> Any:
    memory = decode(directory / "checkpoints" / f"step-{step:08d}").memory
    return sum(x.astype(float) for name, x in memory.items() if "/sum." in name)


@pytest.mark.parametrize("mode", ["local", "diloco", "stale"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_mode_goes_on_with_other_ranks(tmp_path: Path, mode: str, ranks: int) -> None:
    told = ("--comm.mode", mode, "--comm.sync-every", "4")
    assert launch(tmp_path, 3, *told, "--run.steps", "6") == 0
    assert launch(tmp_path, ranks, *told, "--run.resume", "auto") == 0
    assert outcome(tmp_path)[1][-1][0] == 24


def test_diloco_sets_out_from_where_another_mode_has_come(tmp_path: Path) -> None:
    """With outer rate 1/2, no momentum and a meeting after every step, it is sync at half the rate, from there on."""
    told = ("--optim.name", "sgd", "--optim.momentum", "0", "--run.dtype", "float64", "--optim.lr", "0.05")
    outer = ("--comm.mode", "diloco", "--comm.sync-every", "1", "--comm.outer-lr", "0.5", "--comm.outer-momentum", "0")
    for name, then in (("sync", ("--optim.lr", "0.025")), ("diloco", outer)):
        assert launch(tmp_path / name, 2, *told, "--run.steps", "6") == 0
        assert launch(tmp_path / name, 2, *told, "--run.resume", "auto", "--run.steps", "9", *then) == 0
    losses = [[loss for _, loss, _ in outcome(tmp_path / name)[1]] for name in ("sync", "diloco")]
    assert len(losses[0]) == 9
    np.testing.assert_allclose(*losses, rtol=1e-12)  # from the initial values it would be off by far more than rounding


def test_divided_and_whole_checkpoints_are_the_same(tmp_path: Path) -> None:
    assert launch(tmp_path / "straight", 2) == 0
    assert launch(tmp_path / "cut", 2, "--comm.sharded-optimizer", "--run.steps", "6") == 0
    assert launch(tmp_path / "cut", 2, "--comm.no-sharded-optimizer", "--run.resume", "auto", "--run.steps", "13") == 0
    assert launch(tmp_path / "cut", 2, "--comm.sharded-optimizer", "--run.resume", "auto") == 0
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "straight")


def test_bytes_saved_are_in_the_summary_and_on_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, 2, "--comm.hook", "bfloat16", "--run.epochs", "1") == 0
    seen = json.loads((tmp_path / "summary.json").read_text())["gradient_bytes"]
    assert 0 < seen["sent"] < 0.6 * seen["exact"]
    assert "gradients of rank 0: " in capsys.readouterr().out


def test_sums_of_several_shards_a_node_are_counted(tmp_path: Path) -> None:
    """Of five shards on two nodes, rank 0 has one subtree, (0, 2), and rank 1 two: rank 0 sends one row, as of two."""
    sent = {}
    for shards in ("2", "5"):
        assert launch(tmp_path / shards, 2, "--run.shards", shards, "--run.steps", "2") == 0
        sent[shards] = json.loads((tmp_path / shards / "summary.json").read_text())["gradient_bytes"]
    assert sent["5"] == sent["2"]
    assert sent["2"]["sent"] == sent["2"]["exact"] > 0


def test_options_with_nothing_to_act_on_are_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(tmp_path, 1, "--comm.hook", "sign", "--run.steps", "1") == 0
    assert "warning: --comm.hook sign: all ranks share one memory" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("comm", "shards", "said"),
    [
        ({"hook": "topk"}, 4, "--comm.hook topk with --run.shards 4"),
        ({"mode": "local"}, 4, "--comm.mode local with --run.shards 4"),
        ({"sharded_optimizer": True}, 4, "--comm.sharded-optimizer with --run.shards 4"),
        ({"mode": "stale", "hook": "sign"}, 0, "--comm.hook sign with --comm.mode stale"),
        ({"mode": "diloco", "sharded_optimizer": True}, 0, "--comm.sharded-optimizer with --comm.mode diloco"),
        ({"hook": "powersgd", "sharded_optimizer": True}, 0, "--comm.sharded-optimizer with --comm.hook powersgd"),
        ({"topk_fraction": 0.0}, 0, "--comm.topk-fraction 0.0 is out of range"),
        ({"sync_every": 0}, 0, "--comm.sync-every 0 is out of range"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(comm: dict[str, Any], shards: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        validate(Config(comm=Comm(**comm), run=Run(shards=shards)), 2)
    assert said in str(caught.value)


def test_ranks_that_disagree_on_the_hook_are_refused_before_the_first_step() -> None:
    def body(comm: Communicator) -> None:
        told = sgd_config(comm=Comm(hook="topk" if comm.rank == 1 else "exact"))
        with pytest.raises(UsageError, match=r"ranks disagree: option --comm.hook is .*on rank 1"):
            build_step(comm, make_task(), told)

    World("threads:3").run(body)
