"""``bench overlap``: how much of communication computation hides, over an emulated link or a real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ddtrain.bench import machine, mpirun
from ddtrain.bench.overlap.netns import two_hosts
from ddtrain.bench.text_tables import machine_lines, print_table
from ddtrain.bench.timing import quartiles
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.atomic_files import write_json

LIMIT = 1.1  # largest allowed ratio of a step to max(computing, communicating): what the README promises
GBIT_S = {"emulated": 10.0, "netns": 1.0}  # default bandwidth of each kind of link


@dataclass(frozen=True)
class Options:
    """What to measure."""

    link: str = "emulated"
    """emulated: the ranks share this machine, behind the backend wire:mpi
    netns: two ranks in network namespaces, over TCP on a link shaped to the bandwidth; needs root
    """
    gbit_s: float = 0.0
    """Bandwidth of the link; 0: 10 where it is emulated, 1 between namespaces."""
    latency_us: float = 50.0
    """Latency of the emulated link."""
    ranks: int = 2
    """Ranks behind the emulated link."""
    bucket_kb: str = "256,1024,4096"
    """Sizes of bucket to try, in KiB, separated by commas."""
    balance: float = 2.0
    """Time for computing over that for communicating."""
    mode: Literal["sync", "stale"] = "sync"
    """sync: what is communicated hides behind the rest of the backward pass, so that of a communication as long as
    the whole of computing a part must show
    stale: behind the whole of the next step, as --comm.mode stale
    """
    batch: int = 0
    """Samples in a step of one rank; 0: as many as that takes."""
    repeats: int = 20
    """Measured steps of each contestant."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table.

    Raises
    ------
    UsageError : an option out of range, or a link that this system does not allow
    LaunchError : ranks that failed
    DataError : the JSON file cannot be written
    """
    buckets, gbit_s = check(options)
    settings: dict[str, Any] = {
        "batch": options.batch,
        "buckets": buckets,
        "balance": options.balance,
        "mode": options.mode,
        "repeats": options.repeats,
    }
    if options.link == "netns":
        with two_hosts(gbit_s) as hosts:
            found = mpirun.launch(2, "overlap", "mpi", hosts, **settings)
        about = f"TCP between two network namespaces, {gbit_s:g} Gbit/s"
    else:
        about = f"wire:mpi,latency-us={options.latency_us:g},gbit-s={gbit_s:g}"
        found = mpirun.launch(options.ranks, "overlap", about, **settings)
    facts = {"benchmark": "overlap", "link": about, "mode": options.mode, "machine": machine.facts()}
    result = {**facts, **figures(found, buckets)}
    _show(result)
    if options.json:
        write_json(options.json, result)


def check(options: Options) -> tuple[list[int], float]:
    """Sizes of bucket in bytes, and the bandwidth."""
    if options.link not in GBIT_S:
        hint = did_you_mean(options.link, GBIT_S)
        raise UsageError(f"--link {options.link} is neither emulated nor netns", remedy=hint)
    for name, value, ok, allowed in (
        ("batch", options.batch, options.batch >= 0, "0 or more"),
        ("repeats", options.repeats, options.repeats >= 1, "1 or more"),
        ("balance", options.balance, 0 < options.balance < np.inf, "a number above 0"),
        ("gbit-s", options.gbit_s, 0 <= options.gbit_s < np.inf, "a number above 0"),
        ("latency-us", options.latency_us, 0 <= options.latency_us < np.inf, "a number, 0 or more"),
    ):
        if not ok:
            raise UsageError(f"--{name} {value} is out of range", remedy=f"Give {allowed}.")
    if options.link == "netns" and options.ranks != 2:
        raise UsageError(f"--link netns is for 2 ranks, not {options.ranks}", remedy="Leave out --ranks.")
    if mpirun.check_sizes(str(options.ranks)) == [1]:
        raise UsageError("--ranks 1: one rank does not communicate", remedy="Give 2 or more.")
    kb = [part.strip() for part in options.bucket_kb.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in kb):
        raise UsageError(
            f"--bucket-kb {options.bucket_kb}: expected sizes in KiB", remedy="Write --bucket-kb 256,1024."
        )
    return sorted({int(part) << 10 for part in kb}), options.gbit_s or GBIT_S[options.link]


def figures(found: Sequence[dict[str, Any]], buckets: Sequence[int]) -> dict[str, Any]:
    """What the ranks' seconds come to. A step counts as the slowest rank's; ratios are of times close to each other.

    >>> seconds = {"compute": [3.0], "communicate 8": [2.0], "step 8": [3.3]}
    >>> figures([{"batch": 1, "gradient_bytes": 8, "seconds": seconds}], [8])["buckets"]["8"]["of_longer"]["median"]
    1.1
    """
    times = {name: np.max([rank["seconds"][name] for rank in found], axis=0) for name in found[0]["seconds"]}
    compute, rows = times["compute"], {}
    for size in buckets:
        communicate, step = times[f"communicate {size}"], times[f"step {size}"]
        longer = max(np.median(compute), np.median(communicate))
        rows[str(size)] = {
            "communicate_ms": quartiles(communicate, 1e-3),
            "step_ms": quartiles(step, 1e-3),
            "of_longer": quartiles(step / (compute if longer == np.median(compute) else communicate)),
            "of_sum": quartiles(step / (compute + communicate)),
        }
    best = min(rows, key=lambda size: rows[size]["step_ms"]["median"])
    rows[best]["of_longer"]["limit"] = LIMIT
    facts = {"ranks": len(found), "batch": found[0]["batch"], "gradient_bytes": found[0]["gradient_bytes"]}
    return {**facts, "compute_ms": quartiles(compute, 1e-3), "best": int(best), "buckets": rows}


def _show(result: dict[str, Any]) -> None:
    heads = ["compute ms", "communicate ms", "sum ms", "step ms", "q1..q3", "of the longer", "of the sum"]
    compute, rows = result["compute_ms"]["median"], []
    for size, row in result["buckets"].items():
        step, communicate = row["step_ms"], row["communicate_ms"]["median"]
        limit = f" (limit {row['of_longer']['limit']})" if "limit" in row["of_longer"] else ""
        cells = [f"{x:.2f}" for x in (compute, communicate, compute + communicate, step["median"])]
        cells += [f"{step['q1']:.2f}..{step['q3']:.2f}", f"{row['of_longer']['median']:.3f}{limit}"]
        rows.append([f"{int(size) >> 10} KiB", *cells, f"{row['of_sum']['median']:.3f}"])
    caption = [
        f"{result['ranks']} ranks over {result['link']}, --comm.mode {result['mode']}",
        f"{result['batch']} samples in a step of each, {result['gradient_bytes'] / 1e6:.1f} MB of gradients",
        "of the longer: step over the longer of computing and communicating, which perfect overlap makes 1",
        "of the sum: step over both, which waiting for everything after backward makes 1; the fastest has the limit",
        *machine_lines(result["machine"]),
    ]
    print_table(["bucket"], heads, rows, "\n".join(caption))
