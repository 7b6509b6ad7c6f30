"""A search in words: a line a trial, and a table of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ddtrain.search.judge import Judge
from ddtrain.search.report.findings import Findings
from ddtrain.search.trials import Outcome

_SHOWN = 20  # trials in the table of a terminal
Row = list[str]


def line_of(outcome: Outcome, judge: Judge) -> str:
    """A trial on one line.

    >>> line_of(Outcome(3, {"optim.lr": 0.0123456}, 2, score=0.5, epoch=1, seconds=1.26), Judge())
    'trial 003: valid_loss 0.5 at epoch 1 of 2, with optim.lr 0.01235; 1.3 s'
    >>> line_of(Outcome(3, {"optim.lr": 10.0}, 2, why="loss is nan", seconds=1.26), Judge())
    'trial 003: failed, with optim.lr 10: loss is nan'
    """
    told = ", ".join(f"{name} {text_of(value)}" for name, value in outcome.values.items())
    if outcome.failed:
        return f"trial {outcome.trial:03d}: failed, with {told}: {outcome.why}"
    figure = f"{judge.figure} {judge.figure_of(outcome):.6g} at epoch {outcome.epoch} of {outcome.epochs}"
    return f"trial {outcome.trial:03d}: {figure}, with {told}; {outcome.seconds:.1f} s"


def text_of(value: Any) -> str:
    """A value of an option for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def heads_of(findings: Findings) -> Row:
    """The heads of the table's columns."""
    return ["", "trial", findings.judge.figure, "epoch", "of", *(d.key for d in findings.space.dimensions), "seconds"]


def rows_of(findings: Findings) -> list[Row]:
    """A row a trial, the best first; the winners have their place before them."""
    return [_row(findings, outcome) for outcome in findings.in_order]


def _row(findings: Findings, outcome: Outcome) -> Row:
    won = outcome.trial in findings.winners
    return [
        str(findings.winners.index(outcome.trial) + 1) if won else "",
        f"{outcome.trial:03d}",
        "failed" if outcome.failed else f"{findings.judge.figure_of(outcome):.6g}",
        "" if outcome.failed else str(outcome.epoch),
        str(outcome.epochs),
        *(text_of(outcome.values[d.key]) for d in findings.space.dimensions),
        f"{outcome.seconds:.1f}",
    ]


def text_table(findings: Findings) -> str:
    """The table for a terminal, of the best trials where there are many."""
    rows = rows_of(findings)
    shown = [heads_of(findings), *rows[:_SHOWN]]
    wide = [max(len(row[k]) for row in shown) for k in range(len(shown[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, wide)) for row in shown]
    more = len(rows) - _SHOWN
    return "\n".join([*lines, *([f"... and {more} more"] if more > 0 else [])])


def figures_text(figures: Mapping[str, float]) -> str:
    """Figures on one line.

    >>> figures_text({"valid_loss": 0.123456789, "test_loss": 0.25})
    'valid_loss 0.123457, test_loss 0.25'
    """
    return ", ".join(f"{name} {value:.6g}" for name, value in figures.items())


def judged_lines(findings: Findings) -> Iterator[str]:
    """A line a winner, and one of their ensemble, with figures on validation and test data."""
    for place, (trial, figures) in enumerate(zip(findings.winners, findings.figures), 1):
        yield f"place {place}, trial {trial:03d}: {figures_text(figures)}"
    if findings.ensemble:
        names = f"ensemble of {len(findings.winners)}, mean of their {findings.combine}"
        yield f"{names}: {figures_text(findings.ensemble)}"
