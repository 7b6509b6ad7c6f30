"""The example from a CSV file to predictions: few lines, better than the mean, and the numbers of PyTorch's layout."""

from __future__ import annotations

import io
import runpy
import tokenize
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ddtrain import Run

SCRIPT = Path(__file__).parents[2] / "examples" / "regression_from_csv.py"
NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def test_the_journey_is_short() -> None:
    tokens = list(tokenize.generate_tokens(io.StringIO(SCRIPT.read_text()).readline))
    lines = {token.start[0] for token in tokens if token.type not in NO_CODE}
    assert len(lines - {1}) <= 25  # without the docstring, which is one token


def test_from_a_table_to_predictions_a_picture_and_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "houses"
    monkeypatch.setattr("sys.argv", [str(SCRIPT), str(out)])
    seen = runpy.run_path(str(SCRIPT), run_name="__main__")
    x, actual = seen["valid"].arrays
    mean_error, error = (abs(seen["train"].arrays[1].mean() - actual).mean(), abs(seen["prices"] - actual).mean())
    assert error < mean_error / 3  # the noise that is in the prices alone is 9.6; the mean is off by 90
    assert f"48 houses, off by {error:.1f} on average" in capsys.readouterr().out
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert Run(out).fitted()["columns"] == {"names": ["square_metres", "rooms", "years", "kilometres"]}
    # what torch.nn.Linear computes of its (out, in) weights, y = x W' + b
    w = load_file(out / "houses.safetensors")
    hidden = np.tanh(seen["scale_x"](x) @ w["0.weight"].T + w["0.bias"])
    theirs = seen["scale_y"].inverse(hidden @ w["2.weight"][0] + w["2.bias"])
    np.testing.assert_allclose(theirs, seen["prices"], rtol=1e-5)  # float32, other sums
