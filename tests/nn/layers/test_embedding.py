"""Embedding with a padding row and a tied output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import grad, nn
from ddtrain.errors import UsageError


def test_the_padding_row_begins_at_zero_and_stays() -> None:
    layer = nn.Sequential(nn.Embedding(5, 3, padding_idx=2))
    values = layer.init(3, np.float64)
    plain = nn.Sequential(nn.Embedding(5, 3)).init(3, np.float64)["0.weight"]
    assert not values["0.weight"][2].any()
    rest = [0, 1, 3, 4]
    np.testing.assert_array_equal(values["0.weight"][rest], plain[rest])
    indices = np.array([[2, 2, 0], [4, 2, 1]])
    gradient = grad(lambda v: dnp.sum(layer.bind(v)(indices) * 2.0))(values)["0.weight"]
    np.testing.assert_array_equal(gradient[:, 0], [2, 2, 0, 0, 2])
    alone = nn.Embedding(5, 3, padding_idx=2)
    assert not alone.init(0)["weight"][2].any()


class Tied(nn.Module):
    def __init__(self, bias: bool) -> None:
        self.encoder = nn.Embedding(7, 4, padding_idx=0)
        self.decoder = nn.TiedLinear(self.encoder, bias)

    def forward(self, i: Any) -> Any:
        return self.decoder(self.encoder(i))


@pytest.mark.parametrize("bias", [False, True])
def test_a_tied_output_scores_every_row_and_exports_both_paths(bias: bool) -> None:
    model = Tied(bias)
    values = model.init(0, np.float64)
    assert list(values) == ["encoder.weight", "decoder.bias"][: 1 + bias]
    w = values["encoder.weight"]
    i = np.array([3, 0, 6])
    np.testing.assert_allclose(model.bind(values)(i), w[i] @ w.T + values.get("decoder.bias", 0), rtol=1e-12)
    there = nn.to_torch(model, values)
    assert there["decoder.weight"].shape == (7, 4)  # PyTorch's Linear(4, 7), without a transpose
    np.testing.assert_array_equal(there["decoder.weight"], there["encoder.weight"])
    gradient = grad(lambda v: dnp.sum(model.bind(v)(i)))(values)["encoder.weight"]
    assert gradient[0].any(), "the padding row is trained as an output"


def test_bad_arguments() -> None:
    with pytest.raises(UsageError, match=r"Embedding: padding_idx 5 is outside \[0, 5\)"):
        nn.Embedding(5, 3, padding_idx=5)
    with pytest.raises(UsageError, match="Embedding: padding_idx -1 is less than 0"):
        nn.Embedding(5, 3, padding_idx=-1)
