"""What is printed: by rank 0 alone, whole lines into a pipe, one line written over and over on a terminal."""

import io
import math
import sys
from types import SimpleNamespace

import pytest
from rich.text import Text

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.records import console, progress_bar
from ddtrain.trainer.records.console import Console, duration, terminal_columns
from ddtrain.trainer.step.totals import Totals

STEP_S = 0.25


@pytest.fixture
def clock(monkeypatch):
    """Time passes only when a test says so."""
    clock = SimpleNamespace(now_s=1000.0)
    monkeypatch.setattr(console, "perf_counter", lambda: clock.now_s)
    monkeypatch.delenv("DDTRAIN_TTY", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


def totals(loss=0.5, count=64):
    made = Totals()
    made.loss_sum, made.count, made.sums = loss * count, count, {"accuracy": 0.75 * count}
    return made


def make(clock, stream, comm=None, **options):
    """A run of 2 epochs of 80 steps in which half the time is spent waiting."""
    options = {"epochs": 2, "steps_per_epoch": 80, "total_steps": 160, **options}
    return Console(comm or LocalCommunicator(), waited_s=lambda: clock.now_s / 2, stream=stream, **options)


def run(clock, shown, first=1, last=160):
    for done in range(first, last + 1):
        clock.now_s += STEP_S
        shown.step(done, totals(), STEP_S)
        if done % 80 == 0:
            shown.report({"valid_loss": 0.25})


class TestPipe:
    def test_a_line_an_epoch_and_at_most_one_every_ten_seconds(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream)
        run(clock, shown)
        shown.close()
        lines = stream.getvalue().splitlines()
        assert lines[0] == (
            "epoch 1/2  step  40/160  loss 0.5  accuracy 0.75  256 samples/s  wait 50%  ETA 0:30"
        )  # 64 samples in 0.25 s; 120 more steps
        assert [line.split()[3] for line in lines] == ["40/160", "80/160", "120/160", "160/160"]
        assert "valid_loss 0.25" in lines[1]
        assert "ETA 0:00" in lines[3]
        assert "\r" not in stream.getvalue()
        assert "\x1b" not in stream.getvalue()

    def test_means_are_weighted_by_count_and_begin_anew_with_each_report(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream)
        shown.step(1, totals(1.0, 30), STEP_S)
        shown.step(2, totals(4.0, 10), STEP_S)
        shown.step(3, totals(0.0, 0), STEP_S)
        shown.step(4, totals(math.nan, 10), STEP_S)  # a skipped step
        shown.report()
        shown.step(5, totals(8.0, 1), STEP_S)
        shown.report()
        assert [line.split("loss ")[1].split()[0] for line in stream.getvalue().splitlines()] == ["1.75", "8"]

    def test_a_resumed_run_counts_from_where_it_was(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream, first_step=100)
        run(clock, shown, first=101, last=140)
        assert "epoch 2/2  step 140/160" in stream.getvalue()
        assert "256 samples/s" in stream.getvalue()
        assert "ETA 0:05" in stream.getvalue()

    def test_what_is_done_between_steps_is_no_part_of_their_rate(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream)
        for done in range(1, 7):
            clock.now_s += STEP_S
            shown.step(done, totals(), STEP_S)
            clock.now_s += 4 * STEP_S  # an evaluation, a checkpoint
        shown.report()
        assert "256 samples/s" in stream.getvalue()
        assert f"ETA {console.duration(154 * 5 * STEP_S)}" in stream.getvalue()

    def test_a_report_before_any_step_has_no_rate_to_go_by(self, clock):
        stream = io.StringIO()
        make(clock, stream).report()
        assert stream.getvalue() == "epoch 1/2  step   0/160  0.00 samples/s  wait 0%  ETA ?\n"

    def test_a_report_right_after_a_line_still_has_rates(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream)
        run(clock, shown, last=40)
        shown.report()
        lines = stream.getvalue().splitlines()
        assert len(lines) == 2
        assert lines[0].split("  ")[-3:] == lines[1].split("  ")[-3:]

    def test_close_reports_what_was_not(self, clock):
        stream = io.StringIO()
        shown = make(clock, stream)
        run(clock, shown, last=7)
        assert stream.getvalue() == ""
        shown.close()
        shown.close()
        assert stream.getvalue().count("\n") == 1

    def test_rank_1_says_nothing(self, clock):
        stream = Terminal()
        shown = make(clock, stream, comm=SimpleNamespace(rank=1, size=2))
        run(clock, shown)
        shown.message("hello")
        shown.close()
        assert stream.getvalue() == ""

    def test_a_reader_that_left_does_not_end_the_run(self, clock):
        class Broken(io.StringIO):
            def write(self, text):
                raise BrokenPipeError

        shown = make(clock, Broken())
        run(clock, shown)
        shown.close()


class TestTerminal:
    @pytest.fixture
    def shown(self, clock, monkeypatch):
        monkeypatch.setattr(console, "terminal_columns", lambda stream: 80)
        return make(clock, Terminal())

    def test_frames_overwrite_one_line_and_fit_it(self, clock, shown):
        run(clock, shown, last=79)
        frames = shown.stream.getvalue().split("\r")[1:]
        assert len(frames) == 79  # a step takes longer than the least time between frames
        plain = [Text.from_ansi(frame).plain for frame in frames]
        assert all("\n" not in frame and len(frame) <= 79 for frame in plain)
        assert plain[-1].startswith("epoch 1/2 ━")
        assert plain[-1].rstrip().endswith("loss 0.5 accuracy 0.75 256 samples/s wait 50% ETA 0:20")

    def test_fast_steps_are_not_all_drawn(self, clock, shown):
        for done in range(1, 80):
            clock.now_s += 0.02
            shown.step(done, totals(), STEP_S)
        assert 10 <= shown.stream.getvalue().count("\r") <= 16  # in 1.6 s

    def test_lines_appear_above_the_bar_on_a_clean_line(self, clock, shown):
        run(clock, shown, last=3)
        shown.message("checkpoint saved")
        shown.message("and another line")
        text = shown.stream.getvalue()
        assert text.endswith(f"{console.ERASE}checkpoint saved\nand another line\n")

    def test_close_leaves_a_clean_line(self, clock, shown):
        run(clock, shown, last=80)
        shown.close()
        assert shown.stream.getvalue().endswith("\n")


class TestFrame:
    @pytest.mark.parametrize("columns", [1, 2, 20, 40, 80, 200])
    @pytest.mark.parametrize("fraction", [-0.1, 0.0, 0.5, 1.0, 1.1])
    def test_fits(self, columns, fraction):
        text = progress_bar.frame(io.StringIO(), columns, "epoch 1/2", fraction, "loss 0.25  ETA 1:00")
        assert len(Text.from_ansi(text.strip("\r")).plain) <= max(columns - 1, 1)

    def test_fills_from_empty_to_full(self):
        filled = [progress_bar.frame(io.StringIO(), 60, "e", i / 10, "f").count("━") for i in range(11)]
        assert filled == sorted(filled)
        assert (filled[0], filled[-1]) == (0, 40)

    def test_a_stream_without_unicode_gets_ascii(self):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        assert progress_bar.frame(stream, 60, "e", 0.5, "f").isascii()

    def test_no_color(self, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[32m" not in progress_bar.frame(io.StringIO(), 60, "e", 0.5, "f")


class TestColumns:
    def test_the_launch_script_knows_of_a_terminal_behind_the_pipe(self, clock, monkeypatch):
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        assert terminal_columns(sys.stdout) == 0
        monkeypatch.setenv("DDTRAIN_TTY", "120")
        assert terminal_columns(sys.stdout) == 120
        assert terminal_columns(io.StringIO()) == 0  # a file of one's own is not that pipe

    @pytest.mark.parametrize("told", ["", "0", "-3", "wide"])
    def test_nonsense_is_no_terminal(self, clock, monkeypatch, told):
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setenv("DDTRAIN_TTY", told)
        assert terminal_columns(sys.stdout) == 0

    def test_a_dumb_terminal_gets_lines(self, clock, monkeypatch):
        assert terminal_columns(Terminal()) == 80
        monkeypatch.setenv("TERM", "dumb")
        assert terminal_columns(Terminal()) == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3599.6, "1:00:00"), (1e6, "277:46:40")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text
