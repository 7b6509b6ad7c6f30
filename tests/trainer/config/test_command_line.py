"""Command line over TOML over recipe; every mistake is one line with the nearest valid name."""

import tomllib
from dataclasses import dataclass

import pytest

from ddtrain.errors import UsageError
from ddtrain.trainer.config import options, tables
from ddtrain.trainer.config.command_line import parse
from ddtrain.trainer.config.config import Config, Optim, Run


@dataclass(frozen=True)
class Model:
    """The network."""

    widths: tuple[int, ...] = (16, 32)
    """Channels."""
    kernel: tuple[int, int] = (3, 3)
    """Height and width."""
    bias: bool = True
    """Whether there is one."""
    name: str = "net"
    """What to call it."""


@dataclass(frozen=True)
class Cnn(Config):
    run: Run = Run(epochs=12)
    model: Model = Model()


RECIPES = {
    "fashion_cnn": (Cnn, "A convolutional network."),
    "digits_mlp": (Config(optim=Optim(lr=0.3)), "A perceptron."),
}


@pytest.fixture
def toml(tmp_path):
    """Writes a TOML file and returns its path."""

    def write(text, name="run.toml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def config_of(*argv):
    return parse(argv, RECIPES).config


def complaint_of(*argv, **keywords):
    with pytest.raises(UsageError) as caught:
        parse(argv, RECIPES, **keywords)
    line = caught.value.one_line
    assert "\n" not in line
    assert not set("│╭╰") & set(line)
    return line


def test_without_arguments_the_first_recipe_as_it_is():
    parsed = parse([], RECIPES)
    assert (parsed.recipe, parsed.config, parsed.output) == ("fashion_cnn", Cnn(), "")


def test_both_forms_of_an_option_and_both_spellings():
    for argv in (["--data.batch-size", "64"], ["--data.batch-size=64"], ["--data.batch_size", "64"]):
        assert config_of(*argv).data.batch_size == 64


def test_the_last_of_an_option_given_twice_wins():
    assert config_of("--optim.lr", "1", "--optim.lr", "2").optim.lr == 2.0


def test_values_of_every_type():
    config = config_of(
        "fashion-cnn", "--model.widths", "1", "2", "3", "--model.kernel", "5", "7", "--model.no-bias",
        "--debug.nans", "--model.name", "", "--clip.norm", "1e-3", "--run.dtype", "float64",
    )  # fmt: skip
    assert config.model == Model((1, 2, 3), (5, 7), False, "")
    assert config.run == Run(epochs=12, dtype="float64")
    assert config.debug.nans
    assert config.clip.norm == 1e-3


def test_values_that_look_like_options_or_lists():
    assert config_of("--run.dir=--odd").run.dir == "--odd"
    assert config_of("--run.dir", "a b=c,[d]").run.dir == "a b=c,[d]"
    assert config_of("--optim.weight-decay", "-1").optim.weight_decay == -1.0  # its range is validate's affair
    assert config_of("--model.widths").model.widths == ()


def test_a_tilde_is_the_home_directory_wherever_a_path_is_said(tmp_path, monkeypatch, toml):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = toml('[run]\ndir = "~/run"\n[data]\nroot = "~"')
    for config in (
        config_of("--run.dir=~/run", "--data.root=~", "--run.resume=~/other"),
        config_of("--config", path, "--run.resume", "~/other"),
        config_of("--config=~/run.toml", "--run.resume", "~/other"),
    ):
        assert (config.run.dir, config.data.root) == (f"{tmp_path}/run", str(tmp_path))
        assert config.run.resume == f"{tmp_path}/other"
    assert config_of("--run.dir", "./~").run.dir == "./~"
    (tmp_path / "run").mkdir()
    toml("[optim]\nlr = 7", "run/config.toml")
    assert config_of("--run.dir=~/run", "--run.resume", "auto").optim.lr == 7, "of the run that is gone on with"
    assert "no such home directory" in complaint_of("--run.dir", "~nobody-of-this-name/run")


def test_command_line_over_toml_over_recipe(toml):
    path = toml('recipe = "digits_mlp"\n[optim]\nlr = 1\nmomentum = 0.5\n[run]\nseed = 4')
    parsed = parse(["--config", path, "--optim.momentum", "0.25"], RECIPES)
    assert parsed.recipe == "digits_mlp"
    assert parsed.config == Config(optim=Optim(lr=1.0, momentum=0.25), run=Run(seed=4))
    assert parse(["fashion_cnn", f"--config={path}"], RECIPES).config.run == Run(epochs=12, seed=4)


def test_a_later_file_wins(toml):
    first, second = toml("[run]\nseed = 1\nepochs = 1", "a.toml"), toml("[run]\nseed = 2", "b.toml")
    assert config_of("--config", first, "--config", second).run == Run(seed=2, epochs=1)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["fashion_cn"], "unknown recipe 'fashion_cn': Did you mean fashion_cnn? There are fashion_cnn, digits_mlp."),
        (["x"], "unknown recipe 'x': There are fashion_cnn, digits_mlp."),
        (["run.toml"], "unknown recipe 'run.toml': For a configuration file write --config run.toml."),
        (["digits_mlp", "fashion_cnn"], "unexpected argument 'fashion_cnn': A recipe comes first"),
        (["--optim.lr", "1", "digits_mlp"], "unexpected argument 'digits_mlp': A recipe comes first"),
        (["--optim.ln", "3"], "unknown option --optim.ln: Did you mean --optim.lr?"),
        (["--lr", "3"], "unknown option --lr: Did you mean --optim.lr?"),
        (["--batch_size=3"], "unknown option --batch-size: Did you mean --data.batch-size?"),
        (["--optim.nesterof"], "unknown option --optim.nesterof: Did you mean --optim.nesterov?"),
        (["--prin-config"], "unknown option --prin-config: Did you mean --print-config?"),
        (["--zzz"], "unknown option --zzz: See --help."),
        (["-n", "4"], "unknown option -n: See --help."),
        (["--"], "unknown option --: See --help."),
        (["digits_mlp", "--model.widths", "3"], "unknown option --model.widths"),
        (["--optim.lr"], "--optim.lr: expected one argument"),
        (["--optim.lr", "--run.seed", "3"], "--optim.lr: expected one argument"),
        (["--optim.lr", "x"], "--optim.lr: expected a number, found 'x'"),
        (["--optim.lr="], "--optim.lr: expected a number, found ''"),
        (["--run.epochs", "1e3"], "--run.epochs: expected an integer, found '1e3'"),
        (["--run.epochs", "2.5"], "--run.epochs: expected an integer, found '2.5'"),
        (["--optim.name", "adm"], "--optim.name: 'adm' is none of sgd, "),
        (["--run.dtype", "int"], "--run.dtype: 'int' is none of float32, float64"),
        (["--debug.nans", "maybe"], "--debug.nans 'maybe': it takes true, false or nothing"),
        (["--debug.no-nans", "true"], "--debug.no-nans 'true': it takes no value"),
        (["--debug.no-nans=1"], "--debug.no-nans '1': it takes no value"),
        (["--model.widths", "3", "x"], "--model.widths: expected an integer, found 'x'"),
        (["--model.kernel", "3"], "--model.kernel: expected 2 arguments"),
        (["--config"], "--config: expected one argument"),
        (["--config="], "--config: expected the path of a TOML file"),
        (["--config", "--print-config"], "--config: expected one argument"),
        (["--run.dir", "a\nb"], r"argument 'a\nb' is not printable text"),
        (["--run.dir", "\udcff"], r"argument '\udcff' is not printable text"),
    ],
)
def test_mistakes_on_the_command_line(argv, complaint):
    assert complaint_of(*argv).startswith(complaint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[optim\nlr = 1", "is not valid TOML: Expected ']'"),
        ("[optim]\nlr = 1\nlr = 2", "is not valid TOML: Cannot overwrite a value"),
        ("recipe = 3", "recipe: expected a string, found 3"),
        ('recipe = "digit_mlp"', "unknown recipe 'digit_mlp': Did you mean digits_mlp?"),
        ("[optim]\nlearn_rate = 1", "unknown key 'optim.learn_rate'"),
        ("[optim]\nmometum = 1", "unknown key 'optim.mometum': Did you mean optim.momentum?"),
        ("[modl]\nwidths = [1]", "unknown section 'modl': Did you mean model?"),
        ("optim = 1", "optim: expected a section, found 1: Write [optim] and its keys below."),
        ('[optim]\nname = "sdg"', "optim.name: 'sdg' is none of sgd, "),
        ("[run]\nepochs = 2.5", "run.epochs: expected an integer, found 2.5"),
        ("[model]\nwidths = [1.5]", "model.widths[0]: expected an integer, found 1.5"),
    ],
)
def test_mistakes_in_a_file_name_the_file(toml, text, complaint):
    path = toml(text)
    assert complaint in complaint_of("--config", path)
    assert complaint_of("--config", path).startswith(f"--config {path}")


def test_files_that_cannot_be_read(tmp_path):
    assert complaint_of("--config", str(tmp_path / "no.toml")).endswith("no.toml: No such file or directory")
    assert complaint_of("--config", str(tmp_path)).endswith(": Is a directory")
    (tmp_path / "bytes.toml").write_bytes(b"a = '\xff'")
    assert "is not valid TOML" in complaint_of("--config", str(tmp_path / "bytes.toml"))


@pytest.mark.parametrize(
    "argv", [[], ["digits_mlp", "--optim.lr", "1e-4"], ["--model.widths", "7", "--run.dir", 'a"\\']]
)
def test_what_is_printed_can_be_fed_back(toml, argv):
    printed = parse([*argv, "--print-config"], RECIPES)
    assert tomllib.loads(printed.output)["recipe"] == printed.recipe
    again = parse(["--config", toml(printed.output)], RECIPES)
    assert (again.recipe, again.config) == (printed.recipe, printed.config)


def test_the_help_is_complete():
    text = parse(["--help"], RECIPES).output
    assert text == parse(["-h", "--print-config"], RECIPES).output
    for option in ["--config", "--print-config", "--help", *options.names(Cnn())]:
        assert f"{option} " in text or f"{option}\n" in text or f"{option}," in text
    for name, (_, description) in RECIPES.items():
        assert name in text
        assert description in text
    assert not set("│╭╰") & set(text)
    assert "  Channels. (default: 16 32)" in text
    assert len(text.splitlines()) > len(list(tables.leaves(Cnn())))


def test_the_help_shows_the_recipe_and_the_file_that_were_named(toml):
    text = parse(["digits_mlp", "--config", toml("[run]\nseed = 77"), "--help"], RECIPES).output
    assert "(default: 0.3)" in text
    assert "(default: 77)" in text
    assert "--model.widths" not in text


def test_names_with_hyphens():
    assert parse(["fashion-cnn"], RECIPES).recipe == "fashion_cnn"
    mine = {"my-own": (Config, "")}
    assert parse(["--config", "/dev/null"], mine, only="my-own").recipe == "my-own"
    assert parse(["--help"], mine, only="my-own").output.startswith("usage: python my-own.py [--config")


def test_a_script_with_one_recipe_of_its_own(toml):
    mine = {"mine": (Cnn, "My own network.")}
    parsed = parse(["--run.epochs", "2"], mine, only="mine", prog="python mine.py")
    assert (parsed.recipe, parsed.config.run.epochs) == ("mine", 2)
    help_text = parse(["--help"], mine, only="mine", prog="python mine.py").output
    assert help_text.startswith("usage: python mine.py [--config run.toml]")
    assert "My own network." in help_text
    with pytest.raises(UsageError, match="unexpected argument 'mine'"):
        parse(["mine"], mine, only="mine")
    with pytest.raises(UsageError, match="recipe 'other' is not this program's, which is 'mine'"):
        parse(["--config", toml('recipe = "other"')], mine, only="mine")
    saved = parse(["--print-config"], mine, only="mine").output
    assert parse(["--config", toml(saved)], mine, only="mine").config == Cnn()
