"""The page on all claims, made of what was found: for each the claim, the figure, one sentence and the numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddtrain.errors import UsageError
from examples.lectures.claims import Claim, Finding, Verdict

_TOP = """# What the lectures claim, measured

Made by `python -m examples.lectures --all --page docs/lectures.md`, from {count} files under `examples/lectures`. Each
states a claim, measures it over several seeds with the parts of ddtrain, and fails where a measurement contradicts what
is said here. Where two methods are compared, the options of both were chosen by the same search, of the same budget.
Of the claims, {holds} hold as stated, {part} under conditions that the lecture leaves out, {fails} not.
"""


def keep(directory: Path, claim: Claim, finding: Finding, figure: Path | None, seconds: float, small: bool) -> None:
    """Write what was found beside its figure; ``small``: by a trial with ``--small``, which is none for the page."""
    directory.mkdir(parents=True, exist_ok=True)
    found = {
        "verdict": finding.verdict,
        "sentence": finding.sentence,
        "table": finding.table.markdown(),
        "figure": None if figure is None else figure.name,
        "seconds": round(seconds, 1),
        "small": small,
    }
    _file(directory, claim).write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def write(page: Path, directory: Path, known: Sequence[Claim]) -> Path:
    """The page, and the figures in ``images/lectures`` beside it.

    Raises
    ------
    UsageError : a claim has not been measured, or with ``--small`` alone
    """
    missing = [str(claim.number) for claim in known if not _file(directory, claim).is_file()]
    if missing:
        raise UsageError(f"no page: nothing is known of claims {', '.join(missing)}", remedy="Measure them: --all.")
    found = {claim.number: json.loads(_file(directory, claim).read_text()) for claim in known}
    if small := [str(number) for number, one in found.items() if one.get("small")]:
        raise UsageError(
            f"no page: claims {', '.join(small)} were measured with --small", remedy="Measure them: --all."
        )
    count = {verdict: sum(one["verdict"] == verdict for one in found.values()) for verdict in Verdict}
    top = _TOP.format(
        count=len(known), holds=count[Verdict.HOLDS], part=count[Verdict.IN_PART], fails=count[Verdict.FAILS]
    )
    images = page.parent / "images" / "lectures"
    images.mkdir(parents=True, exist_ok=True)
    for old in images.iterdir():
        old.unlink()
    for one in found.values():
        if one["figure"] is not None:
            (images / one["figure"]).write_bytes((directory / one["figure"]).read_bytes())
    page.write_text("\n".join([top, *(_section(claim, found[claim.number]) for claim in known)]))
    return page


def _section(claim: Claim, found: dict[str, Any]) -> str:
    verdict = found["verdict"].capitalize()
    shown = [f"## {claim.number}. {claim.title}", f"*{claim.statement}*", f"**{verdict}.** {found['sentence']}"]
    if found["figure"] is not None:
        shown.append(f"![{claim.title}: the numbers stand below](images/lectures/{found['figure']})")
    shown += [found["table"], f"`{claim.file}`. Lecture: {claim.lecture}."]
    return "\n\n".join(shown) + "\n"


def _file(directory: Path, claim: Claim) -> Path:
    return directory / f"{claim.number:02}.json"
