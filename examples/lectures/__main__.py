"""``python -m examples.lectures``: list the lectures' claims, or measure some or all of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from ddtrain.errors import DdtrainError, UsageError
from examples.lectures import figures, page
from examples.lectures.claims import Claim, ClaimError, Size, claims


def main(words: list[str]) -> int:
    """0: all that was asked for was measured, and is as its file says; 1: not so; 2: it was not understood."""
    options = arguments(words)
    known = claims()
    chosen = [claim for claim in known if options.all or claim.number in options.numbers]
    if missing := set(options.numbers) - {claim.number for claim in known}:
        raise UsageError(f"no claim {min(missing)}", remedy=f"They are 1 to {known[-1].number}, see the list.")
    if not chosen and not options.page:
        print("\n".join(f"{claim.number:2}  {claim.title}: {claim.statement}\n    {claim.file}" for claim in known))
        return 0
    started = perf_counter()
    done = run_apart(chosen, words, options) if options.all else [measure(claim, options) for claim in chosen]
    if options.page:
        print(f"written: {page.write(options.page, options.out, known)}")
    if len(chosen) > 1:
        print(f"{sum(done)} of {len(done)} claims measured as their files say, {perf_counter() - started:.0f} s")
    return 0 if all(done) else 1


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m examples.lectures", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="claims to measure; none: list them")
    parser.add_argument("--all", action="store_true", help="measure all of them, each in a process of its own")
    parser.add_argument("--small", action="store_true", help="measure little, to see that it runs")
    parser.add_argument("--jobs", type=int, default=2, help="processes of --all at a time")
    parser.add_argument("--out", type=Path, default=Path("runs/lectures"), help="directory of figures and findings")
    parser.add_argument("--no-figures", action="store_true", help="draw none, which needs no matplotlib")
    parser.add_argument("--page", type=Path, help="write a page on all that was found, now and before, to this file")
    return parser.parse_args(words)


def measure(claim: Claim, options: argparse.Namespace) -> bool:
    """Measure one, print its numbers, draw its figure; whether all was as its file says."""
    print(f"{claim.number}. {claim.statement}\n", flush=True)
    started = perf_counter()
    try:
        finding = claim.study(Size(options.small))
    except (ClaimError, DdtrainError) as error:
        print(f"claim {claim.number} ({claim.file}): {error}", file=sys.stderr)
        return False
    seconds = perf_counter() - started
    print(f"{finding.table.text()}\n\n{finding.verdict.capitalize()}. {finding.sentence}")
    figure = None if options.no_figures else figures.save(finding, options.out, claim.number)
    print(f"[{seconds:.1f} s{'' if figure is None else f', {figure}'}]\n", flush=True)
    page.keep(options.out, claim, finding, figure, seconds, options.small)
    return True


def run_apart(chosen: list[Claim], words: list[str], options: argparse.Namespace) -> list[bool]:
    """Measure some at a time, each in its own process, so that none sees what another has left in memory."""
    shared = [word for word in words if word in ("--small", "--no-figures")] + ["--out", str(options.out)]

    def run(claim: Claim) -> bool:
        command = [sys.executable, "-m", "examples.lectures", str(claim.number), *shared]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout, end="", flush=True)
        print(done.stderr, end="", file=sys.stderr, flush=True)
        return done.returncode == 0

    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        return list(pool.map(run, chosen))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DdtrainError as error:
        print(f"examples.lectures: {error}", file=sys.stderr)
        sys.exit(2)
