"""What is made of a program before it runs, a pass a file. Each takes a program and returns another that does the same.

In order: ``identities`` (operations that return their argument), ``common`` (the same call twice), ``places``
(gradients of parts), ``dead_code`` (results that nobody reads), ``checks`` (those of inputs come first).
"""

from ddtrain.plan.passes.checks import hoist_checks
from ddtrain.plan.passes.common import share_common
from ddtrain.plan.passes.dead_code import drop_dead
from ddtrain.plan.passes.identities import skip_identities
from ddtrain.plan.passes.places import gather_places
from ddtrain.plan.program import Program

PASSES = (skip_identities, share_common, gather_places, drop_dead, hoist_checks)


def improve(program: Program) -> Program:
    """The program after all passes."""
    for each in PASSES:
        program = each(program)
    return program


__all__ = ["PASSES", "drop_dead", "gather_places", "hoist_checks", "improve", "share_common", "skip_identities"]
