"""The table of what is differentiable: the committed file is what the generator makes, and it claims nothing wrong."""

import importlib.util
import re
import sys
from pathlib import Path

import ddtrain.numpy as np
from ddtrain import differentiable, ops
from ddtrain.autodiff.inspect.capabilities import Found, try_composition

FILE = Path(__file__).parents[1] / "docs" / "differentiable.md"
AGAIN = "python -m ddtrain.differentiable docs/differentiable.md"


def by_section(text):
    head, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {"": head} | dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_committed_file_is_up_to_date():
    committed, made = by_section(FILE.read_text()), by_section(differentiable.markdown())
    missing = set(committed) - set(made)
    if importlib.util.find_spec("scipy") is None:
        missing -= {name for name in missing if name.startswith("ddtrain.scipy")}
    assert not missing, AGAIN
    for name, text in made.items():
        assert text == committed[name], f"{name} has changed: {AGAIN}"


# functions without a derivative that are no primitives: of shapes and dtypes, of orders, and those that make constants
CONSTANT = {"iscomplexobj", "isrealobj", "lexsort", "ndim", "shape", "size", "empty_like", "ones_like", "zeros_like"}


CONSTANT |= {"sign"}  # of real numbers


def test_zeros_of_the_file_are_declared_or_known():
    zeros = re.findall(r"^\| `(\w+)` \| 0 \|.*\| (.+) \|$", FILE.read_text(), re.MULTILINE)
    assert {name for name, tested in zeros if tested != "declared constant"} == CONSTANT
    assert not re.findall(r"^\| `\w+` \| – \| – ", FILE.read_text(), re.MULTILINE), "a probe or a rule is wrong"


def test_types_constants_and_numpys_own_have_no_row():
    for name in ("pi", "float32", "arange", "ndarray", "s_", "ArrayBox"):
        assert differentiable.row("ddtrain.numpy", name, getattr(np, name)) is None
    assert differentiable.row("ddtrain.ops", "Moments", ops.Moments) is None


def test_what_is_called_otherwise_than_functions_has_a_row():
    for name in ("r_", "c_", "vectorize"):
        assert differentiable.row("ddtrain.numpy", name, getattr(np, name)).startswith(
            f"| `{name}` | yes | yes | yes | yes |"
        )


def test_what_is_constant_for_real_numbers_only():
    assert differentiable.row("ddtrain.numpy", "sign", np.sign).startswith("| `sign` | 0 | 0 | 0 | yes |")
    assert try_composition(np.sign) == Found(complex=True)


def test_every_public_name_appears():
    text = FILE.read_text()
    for module, members in differentiable.sections():
        for name, _ in members:
            assert f"`{name}`" in text, f"{module}.{name}"


def test_without_scipy_its_sections_are_left_out(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "scipy" or name.startswith("ddtrain.scipy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert not [name for name, _ in differentiable.sections() if "scipy" in name]


def test_own_tests_are_those_that_take_a_name_from_ddtrain():
    found = differentiable.named_in_tests("numpy")
    assert {"hstack", "einsum"} <= found
    assert "standard_normal" not in found, "taken from NumPy"


def test_the_command_writes_the_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(differentiable, "NAMESPACES", ("ddtrain.ops",))
    monkeypatch.setattr(sys, "argv", ["table", str(tmp_path / "docs" / "t.md")])
    differentiable.main()
    monkeypatch.setattr(sys, "argv", ["table"])
    differentiable.main()
    out = capsys.readouterr().out
    assert (tmp_path / "docs" / "t.md").read_text() == out
    assert "| `relu` | yes | yes | yes |" in out
