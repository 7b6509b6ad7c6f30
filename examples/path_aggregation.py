"""A derivative is a sum over paths: why nobody computes it that way, and what dynamic programming does instead.

By the chain rule, d output / d input is a sum over all paths through the graph of the computation, each path
contributing the product of the derivatives along its edges. A network of n layers with two ways through each has 2^n
paths, but only 3 n edges. Reverse mode collects, at every node, the sum over all paths from there on: one product an
edge.

    python examples/path_aggregation.py                     # a table
    python examples/path_aggregation.py --png paths.png     # and a plot of it; needs matplotlib
"""

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import ddtrain.numpy as np
from ddtrain import grad, graph

DEPTHS = (1, 2, 4, 6, 8, 10, 12, 14, 16)
START = 0.7
Edges = dict[Any, list[tuple[Any, float]]]  # by node: earlier nodes, and its derivative by each


def chain(depth: int) -> Callable[[Any], Any]:
    """x <- x cos x, ``depth`` times: through each layer, one way leads past the cosine and one through it."""

    def fun(x: Any) -> Any:
        for _ in range(depth):
            x = x * np.cos(x)
        return x

    return fun


def edges_of(recorded: Any) -> Edges:
    """For each node, its (earlier node, derivative with respect to it), by ddtrain's own rules."""
    edges: Edges = {node: [] for node in recorded.inputs}
    for step in recorded.steps:
        values = [getattr(a, "value", a) for a in step.operands]
        derivatives = [float(step.prim.vjps[i](1.0, step.value, *values)) for i in range(len(values))]
        edges[step] = list(zip(step.operands, derivatives))
    return edges


def sum_over_paths(edges: Edges, node: Any, source: Any) -> tuple[float, int]:
    """The sum of the products along all paths from ``source`` to ``node``, and the number of those paths."""
    if node is source:
        return 1.0, 1
    total, paths = 0.0, 0
    for earlier, derivative in edges[node]:
        rest, count = sum_over_paths(edges, earlier, source)
        total, paths = total + derivative * rest, paths + count
    return total, paths


def by_dynamic_programming(edges: Edges, output: Any, source: Any) -> float:
    """The same sum: from the last node to the first, what has arrived at a node goes on along each of its edges."""
    arrived = dict.fromkeys(edges, 0.0)
    arrived[output] = 1.0
    for node in reversed(list(edges)):
        for earlier, derivative in edges[node]:
            arrived[earlier] += derivative * arrived[node]
    return arrived[source]


def timed(fun: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    started = perf_counter()
    return fun(*args), perf_counter() - started


def measure(depth: int) -> dict[str, Any]:
    """Counts, times in seconds, and the derivative three ways."""
    recorded = graph(chain(depth), START)
    edges, (source,), output = edges_of(recorded), recorded.inputs, recorded.result
    (summed, paths), paths_s = timed(sum_over_paths, edges, output, source)
    collected, programming_s = timed(by_dynamic_programming, edges, output, source)
    count = sum(map(len, edges.values()))
    return {
        "depth": depth, "paths": paths, "edges": count, "paths_s": paths_s, "programming_s": programming_s,
        "summed": summed, "collected": collected, "grad": float(grad(chain(depth))(START)),
    }  # fmt: skip


def plot(rows: Sequence[dict[str, Any]], path: str) -> None:
    """Counts and times against depth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    panels = {"operations": ("paths", "edges"), "seconds": ("paths_s", "programming_s")}
    for axis, (title, (many, few)) in zip(axes, panels.items()):
        for key, label in ((many, "sum over paths"), (few, "dynamic programming")):
            axis.semilogy([row["depth"] for row in rows], [row[key] for row in rows], "o-", label=label)
        axis.set(xlabel="layers", title=title)
        axis.legend()
    figure.savefig(path)
    pyplot.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--png", metavar="FILE", help="also plot counts and times into this file")
    png = parser.parse_args(argv).png
    print("layers    paths  edges   sum over paths  dynamic programming  derivative  difference  from grad")
    rows = []
    for depth in DEPTHS:
        row = measure(depth)
        rows.append(row)
        print(
            f"{depth:6} {row['paths']:8} {row['edges']:6} {1e3 * row['paths_s']:13.2f} ms"
            f" {1e3 * row['programming_s']:17.2f} ms  {row['collected']:10.6f}"
            f"  {abs(row['summed'] - row['collected']):10.0e}  {abs(row['grad'] - row['collected']):9.0e}"
        )
    if png:
        plot(rows, png)
        print(f"plotted into {png}")


if __name__ == "__main__":
    main()
