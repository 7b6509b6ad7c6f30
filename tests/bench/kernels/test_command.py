"""``bench kernels``: every case runs, does the work that it is said to do, and PyTorch's twin computes the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.bench.__main__ import main
from ddtrain.bench.kernels import command, passes, products, pytorch, sequences
from ddtrain.bench.kernels.case import Case, Family
from ddtrain.bench.kernels.products import Conv
from ddtrain.bench.peers import registry

SMALL: dict[str, tuple[Any, str, Any]] = {  # family -> where its shapes are, and small ones
    "conv": (
        products,
        "CONVOLUTIONS",
        [Conv("a", 2, 6, 4, 5, 3), Conv("b", 2, 7, 4, 5, 1, 2), Conv("c", 2, 6, 1, 2, 5)],
    ),
    "linear": (products, "PRODUCTS", [("a", 7, 5, 3)]),
    "attention": (sequences, "ATTENTIONS", [("a", 2, 2, 6, 4)]),
    "recurrent": (sequences, "RECURRENT", [("a", 2, 3, 4)]),
    "batch_norm": (passes, "NORMS", [("a", (7, 5)), ("b", (2, 4, 3, 5))]),
    "layer_norm": (passes, "ROWS", [("a", (7, 5))]),
    "activation": (passes, "ACTIVATIONS", [("a", (7, 5))]),
    "softmax": (passes, "SCORES", [("a", 7, 5)]),
    "dropout": (passes, "DROPPED", [("a", (40, 25, 30))]),
    "embedding": (passes, "TABLES", [("a", 9, 4, 30)]),
    "column_sums": (passes, "GRADIENTS", [("a", (7, 5)), ("b", (2, 4, 3, 5))]),
    "pool": (passes, "POOLS", [("a", (2, 6, 6, 3), 2, 2, 0), ("b", (2, 6, 6, 3), 3, 1, 1)]),
    "updates": (passes, "VECTORS", [("a", 50)]),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, shapes in SMALL.values():
        assert getattr(module, name), name
        monkeypatch.setattr(module, name, shapes)


def cases() -> Iterator[Case]:
    for family in command.FAMILIES.values():
        yield from family()


def test_every_family_is_looked_at() -> None:
    assert set(SMALL) == set(command.FAMILIES)


def test_every_case_runs_and_is_arithmetic_or_a_pass() -> None:
    for case in cases():
        assert (case.flops > 0) != (case.nbytes > 0), case.kernel
        assert np.isfinite(pytorch.square_sum(case.call())), case.kernel
    without = {f"{cell}.{cell}{way}" for cell in ("lstm", "gru") for way in ("", "_backward")} | {"dropout.forward"}
    assert {case.kernel for case in cases()} == set(pytorch.TWINS) | without


def test_arithmetic_is_two_operations_a_product() -> None:
    x, w = np.ones((2, 6, 6, 4)), np.ones((3, 3, 4, 5))
    by_definition = sum(2 * w.size for _ in range(x[..., 0].size))  # at each place of each image, the whole window
    forward = next(products.convolution())
    assert forward.flops == by_definition
    assert next(products.linear()).flops == 2 * 7 * 5 * 3
    pairs = sum(query + 1 for _ in range(2 * 2) for query in range(6))  # which a causal mask lets see each other
    forward, backward = sequences.attention()
    assert forward.flops == 2 * 2 * pairs * 4
    assert backward.flops == 2 * forward.flops


def test_bytes_are_those_of_the_arrays() -> None:
    found = {case.kernel: case.nbytes for case in passes.updates()}
    assert found == {"optimizer_update.sgd": 5 * 4 * 50, "optimizer_update.adam": 7 * 4 * 50}
    assert next(passes.batch_norm()).nbytes == 3 * 4 * 35
    assert next(passes.softmax()).nbytes == 2 * 4 * 35


def test_twins_in_pytorch_compute_the_same() -> None:
    pytest.importorskip("torch")
    for case in cases():
        if case.kernel in pytorch.TWINS:
            command.twin_of(case)


def test_a_twin_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    case = next(products.linear())
    x, w, b, g = case.operands
    with pytest.raises(registry.CannotRun, match=r"torch computes something else than linear.forward at 7x5x3"):
        command.twin_of(replace(case, operands=(x, 1.01 * w, b, g)))


def test_json_and_table_hold_every_figure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kernels.json"
    assert main(["kernels", "linear,updates", "--repeats", "3", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert set(result) == {"benchmark", "machine", "peers", "copy_gb_s", "kernels"}
    assert [row["kernel"] for row in result["kernels"]] == [
        *("linear.forward", "linear.backward_input", "linear.backward_weight"),
        *("optimizer_update.sgd", "optimizer_update.adam"),
    ]
    for row in result["kernels"]:
        assert set(row) == {"kernel", "shape", "source", "unit", "rate", "bound", "share", "us"}
        assert row["us"]["q1"] <= row["us"]["median"] <= row["us"]["q3"]
        assert row["rate"] > 0
        assert row["share"] > 0
    out, err = capfd.readouterr()
    assert "7x5x3" in out
    assert "GFLOP/s" in out
    assert "product of large matrices" in out
    assert err == "linear ...\nupdates ...\n"


def test_a_kernel_that_takes_twice_as_long_reaches_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that only work moves on: a call of ours takes 2 s, what bounds it 1 s."""
    clock = [0.0]

    def taking(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(command, "process_time", lambda: clock[0])
    monkeypatch.setattr(command, "_bound", lambda case: lambda: taking(1.0))
    row = command.measure(Case("k", "s", "w", lambda: taking(2.0), nbytes=4e9), 3, beside_torch=False)
    assert (row["rate"], row["bound"], row["share"], row["unit"]) == (2.0, 4.0, 0.5, "GB/s")


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["cnov"], "unknown family of kernels 'cnov': Did you mean conv?"),
        (["--repeats", "0"], "--repeats 0 is out of range"),
        (["--peers", "numpy"], "unknown peer 'numpy': There is torch."),
    ],
)
def test_mistakes_are_one_line(args: list[str], complaint: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kernels", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err


def test_shapes_are_made_one_by_one() -> None:
    """Because the arrays of all cases together would not fit into memory."""
    family: Family
    for family in command.FAMILIES.values():
        assert isinstance(family(), Iterator)
