"""Plans: what a function did, written down once as a program, and repeated without running the function's Python.

Read ``program`` (instructions and their slots), ``recorder`` (the trace that writes them down), ``passes/`` (what is
made of a program before it runs), ``python_backend`` (the program as one Python function), ``differences`` (how two
recordings of the same function are compared), ``surroundings`` (what a function reads besides its arguments),
``c_backend/`` (the program as C), then ``listing`` (both as text), ``compiled`` (``ddtrain.compile``, for any
function) and ``constant_graph`` (Autograd's).
The trainer's use of it is ``trainer/step/passes/``.

Note [What a plan assumes]
That the function calls the same operations, in the same order, whatever the *values* of its inputs: shapes, dtypes and
everything that is not an array are part of the signature, and another signature is another plan. What the function
computes outside of operations is frozen as it was when recorded. These guard against that: Python's questions
about a value (``if x > 0``, ``float(x)``, ``value_of(x)``) refuse the plan, by the line that asks; every function is
recorded twice, with other inputs, and refused if the two programs differ, a frozen number that came from the inputs
included; the trainer looks at what the function's Python can read and change (Note [Surroundings of a plan]); and it
records anew after 16, 256, 4,096, ... replays and compares again.
"""

from ddtrain.plan.compiled import compile
from ddtrain.plan.constant_graph import const_graph
from ddtrain.plan.differences import difference
from ddtrain.plan.program import Instruction, Program, Slot
from ddtrain.plan.python_backend import python_function
from ddtrain.plan.recorder import Recorder

__all__ = ["Instruction", "Program", "Recorder", "Slot", "compile", "const_graph", "difference", "python_function"]
