"""Worked examples of automatic differentiation, as tables: every step's value, its derivative with respect to one input
(forward mode) and the derivative of the output with respect to it (reverse mode).

The functions are recorded by ``ddtrain.graph``. Both modes are then a loop each, over the recorded steps and the rules
that ddtrain itself uses: from the first step to the last, and from the last to the first. The results are compared
with closed forms, and with ddtrain's own ``grad`` and ``jvp``::

    python examples/worked_examples.py
"""

import ddtrain.numpy as np
from ddtrain import grad, graph, jvp


def logistic_loss(w, x, b, t):
    """A neuron on one example: half the squared error of y = 1 / (1 + exp(-(w x + b)))."""
    y = 1.0 / (1.0 + np.exp(-(w * x + b)))
    return (y - t) ** 2 / 2.0


def cos_square(w):
    """cos(w²)"""
    return np.cos(w**2)


def product_and_sine(x, y):
    """z = x y + sin x"""
    return x * y + np.sin(x)


def operand_values(step):
    """The numbers that a step was computed from."""
    return [getattr(a, "value", a) for a in step.operands]


def tangents(recorded, direction):
    """Forward mode: d value / d input along ``direction``, one number an input, for every node."""
    dot = dict(zip(recorded.inputs, direction))
    for step in recorded.steps:
        dot[step] = 0.0
        for i, operand in enumerate(step.operands):
            if operand in dot:
                dot[step] += step.prim.jvps[i](dot[operand], step.value, *operand_values(step))
    return dot


def adjoints(recorded):
    """Reverse mode: d output / d value, for every node."""
    bar = dict.fromkeys([*recorded.inputs, *recorded.steps], 0.0)
    bar[recorded.result] = 1.0
    for step in reversed(recorded.steps):
        for i, operand in enumerate(step.operands):
            if operand in bar:
                bar[operand] += step.prim.vjps[i](bar[step], step.value, *operand_values(step))
    return bar


def table(fun, *args, wrt=0):
    """The three columns of a function, and its gradient by reverse mode."""
    recorded = graph(fun, *args)
    direction = [float(k == wrt) for k in range(len(args))]
    dot, bar = tangents(recorded, direction), adjoints(recorded)
    out, inputs = recorded.result.name, recorded.inputs
    rows = [(n.name, n.call, float(n.value), float(dot[n]), float(bar[n])) for n in (*inputs, *recorded.steps)]
    width = max(len(row[1]) for row in rows)
    heads = f"forward: d step / d{inputs[wrt].name}", f"reverse: d{out} / d step"
    print(f"   {'step':{width + 7}} {'value':>10} {heads[0]:>24} {heads[1]:>22}")
    for name, call, value, forward, reverse in rows:
        print(f"   {name:4} = {call:{width}} {value:10.6f} {forward:24.6f} {reverse:22.6f}")
    gradient = [float(bar[n]) for n in inputs]
    own = [g - mine for g, mine in zip(grad(fun, tuple(range(len(args))))(*args), gradient)]
    own += [jvp(fun, args, direction)[1] - dot[recorded.result]]
    print(f"   ddtrain's grad and jvp differ from these by {max(abs(float(d)) for d in own):.0e}")
    return gradient


def compare(names, gradient, closed):
    """A line for each closed form."""
    for name, mine, exact in zip(names, gradient, closed):
        print(f"   d/d{name}: {mine:.12f}, in closed form {exact:.12f}, difference {abs(mine - exact):.0e}")


def main():
    print("1. The logistic neuron: w = 0.8, x = 1.5, b = -0.4, target t = 1; derivatives with respect to w")
    w, x, b, t = 0.8, 1.5, -0.4, 1.0
    gradient = table(logistic_loss, w, x, b, t)
    y = 1 / (1 + np.exp(-(w * x + b)))
    slope = (y - t) * y * (1 - y)
    compare("wxbt", gradient, [slope * x, slope * w, slope, t - y])

    print("2. cos(w²) at w = 1.2")
    w = 1.2
    compare("w", table(cos_square, w), [-2 * w * np.sin(w**2)])

    print("3. z = x y + sin x at x = 0.5, y = 4.2; derivatives with respect to x")
    x, y = 0.5, 4.2
    compare("xy", table(product_and_sine, x, y), [y + np.cos(x), x])


if __name__ == "__main__":
    main()
