"""Faults of the engine."""

from __future__ import annotations

from tests.faults.fault import Fault

REVERSE = "tests/autodiff/core/test_reverse.py"

FAULTS = (
    Fault(
        "reverse/steps are kept that were to be freed",
        "ddtrain/autodiff/core/reverse.py",
        "        if not keep:\n            entries[index] = None\n",
        "",
        (REVERSE,),
    ),
    Fault(
        "reverse/a leaf used after the output alone is never delivered",
        "ddtrain/autodiff/core/reverse.py",
        "if not first_use[leaf] or end is None or first_use[leaf] > end:",
        "if not first_use[leaf] or end is None:",
        (REVERSE,),
    ),
    Fault(
        "reverse/a second use replaces the first one's cotangent",
        "ddtrain/autodiff/core/reverse.py",
        "grads[parent] = cotangent if so_far is None else accumulate(so_far, cotangent)",
        "grads[parent] = cotangent",
        (REVERSE,),
    ),
    Fault(
        "reverse/a cotangent is added in place",
        "ddtrain/autodiff/core/vector_space.py",
        "    return a + b  # arrays, or Outputs (see outputs.py)\n",
        "    a += b\n    return a\n",
        (REVERSE,),
    ),
    Fault(
        "space/broadcast axes are averaged",
        "ddtrain/autodiff/core/vector_space.py",
        "g = g.sum(axis=(*range(lead), *stretched), keepdims=True)",
        "g = g.mean(axis=(*range(lead), *stretched), keepdims=True)",
        (
            "tests/autodiff/core/test_vector_space.py",
            "tests/conformance/test_primitives.py",
        ),
    ),
    Fault(
        "forward/only the last tangent counts",
        "ddtrain/autodiff/core/forward.py",
        "tangent = t if tangent is None else accumulate(tangent, t)",
        "tangent = t",
        (
            "tests/autodiff/operators/test_gradients.py",
            "tests/autodiff/operators/test_vjp_jvp.py",
        ),
    ),
    Fault(
        "forward/a value of an outer trace has a tangent within",
        "ddtrain/autodiff/core/forward.py",
        "            return out, np.zeros(out.shape, out.dtype)\n",
        "            return out, np.ones(out.shape, out.dtype)\n",
        ("tests/autodiff/test_nesting.py",),
    ),
    Fault(
        "recomputing/the second run is in the context of the way back",
        "ddtrain/autodiff/operators/recomputation.py",
        "context.copy().run(of_traced, _Journal(entries, iter(entries), None), *values)",
        "of_traced(_Journal(entries, iter(entries), None), *values)",
        (
            "tests/autodiff/operators/test_recomputation.py",
            "tests/ops/test_collectives.py",
        ),
    ),
)
