"""A search as one HTML file, which opens without a network."""

from __future__ import annotations

from ddtrain.report.drawing import tables as html_tables
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.page import page
from ddtrain.search.report.findings import Findings
from ddtrain.search.report.parallel_coordinates import picture
from ddtrain.search.report.tables import heads_of, judged_lines, rows_of


def page_of(findings: Findings) -> str:
    """The whole file: what won, all trials as a picture and as a table, and where to look next."""
    sections: dict[str, Markup] = {
        "Winners": join(*(tag("p", line) for line in judged_lines(findings))),
        "Parallel coordinates": picture(findings),
        "Trials": html_tables.table(
            ["place", *heads_of(findings)[1:]], rows_of(findings), "all trials, the best first; winners have a place"
        ),
        "Failed": _failed(findings),
        "Next": join(
            *(tag("p", line) for line in findings.warnings),
            tag("p", "The next, finer space, for --space:"),
            tag("pre", findings.following.to_toml(), tabindex=0),
        ),
    }
    best = findings.in_order[0]
    about = f"the best of {len(findings.outcomes)} trials: {findings.judge.figure} {findings.judge.figure_of(best):.6g}"
    return page(findings.title, about, {heading: body for heading, body in sections.items() if body})


def _failed(findings: Findings) -> Markup:
    told = [f"trial {outcome.trial:03d}: {outcome.why}" for outcome in findings.outcomes if outcome.failed]
    return join(*(tag("p", line) for line in told))
