"""Faults in plans: what is recorded, what is made of it, memory and copies in C, and when a plan may be repeated."""

from __future__ import annotations

from tests.faults.fault import Fault

_C = "ddtrain/plan/c_backend"
_TESTS = "tests/plan"
_LOWERING = (f"{_TESTS}/c_backend/test_lowering.py", f"{_TESTS}/c_backend/test_random_programs.py")
_PLANS = "tests/equivalence/test_plans.py"
_TRIED = "tests/trainer/step/passes/test_tried_pass.py"


def _in_c(name: str, file: str, old: str, new: str, *tests: str) -> Fault:
    """A fault of what makes C, noticed by programs that run as C."""
    return Fault(f"plan in C/{name}", f"{_C}/{file}", old, new, tests or _LOWERING, native=True)


FAULTS = (
    # recorder
    Fault(
        "plan/a shape that follows values is taken for fixed",
        "ddtrain/plan/recorder.py",
        "if self.records and _shaped_by_values(prim.__name__, args, argnums):",
        "if False:",
        (f"{_TESTS}/test_recorder.py",),
    ),
    Fault(
        "plan/positions that follow values are frozen",
        "ddtrain/autodiff/core/primitives.py",
        "            if top.records:\n",
        "            if False:\n",
        (f"{_TESTS}/test_recorder.py",),
    ),
    Fault(
        "plan/a value that Python takes is frozen",
        "ddtrain/plan/recorder.py",
        "        if self.refused:\n            raise PlanError(self.refused)\n",
        "",
        (f"{_TESTS}/test_compiled.py",),
    ),
    Fault(
        "plan/a fused operation saves nothing for the way back",
        "ddtrain/plan/recorder.py",
        "called = [tuple(needs), *self._slots([g]), saved.slot, *self._slots(args)]",
        "called = [tuple(needs), *self._slots([g]), saved.value, *self._slots(args)]",
        (f"{_TESTS}/test_recorder.py",),
    ),
    Fault(
        "fused/kernels stand for a derivative of a derivative",
        "ddtrain/autodiff/core/fused.py",
        "type(saved) is Recorded and (type(g) not in BOXES or g._trace is saved.recorder)",
        "type(saved) is Recorded",
        (f"{_TESTS}/test_recorder.py", f"{_TESTS}/test_compiled.py"),
    ),
    Fault(
        "checks/a check is made when it is recorded and never again",
        "ddtrain/autodiff/core/checks.py",
        "        recorder.call(name, check, *bare, effect=True)\n",
        "        check(*[a.value if type(a) in BOXES else a for a in bare])\n",
        (f"{_TESTS}/test_recorder.py",),
    ),
    # comparing two recordings
    Fault(
        "plan/frozen numbers may differ",
        "ddtrain/plan/differences.py",
        "        return repr(one) == repr(other)  # NaN is NaN, and -0.0 is not 0.0\n",
        "        return True\n",
        (f"{_TESTS}/test_recorder.py",),
    ),
    Fault(
        "plan/zeros of either sign are the same",
        "ddtrain/plan/differences.py",
        "        return repr(one) == repr(other)  # NaN is NaN, and -0.0 is not 0.0\n",
        "        return one == other or one != one != other\n",
        (f"{_TESTS}/test_recorder.py",),
    ),
    Fault(
        "plan/frozen arrays may differ",
        "ddtrain/plan/differences.py",
        "return alike and bool(",
        "return alike or bool(",
        (f"{_TESTS}/test_recorder.py",),
    ),
    # program
    Fault(
        "plan/a value that the second half reads is not carried",
        "ddtrain/plan/program.py",
        "for slot in instruction.reads} - written - set(late))",
        "for slot in instruction.reads} - written - set(late) - set(self.inputs))",
        (f"{_TESTS}/test_program.py",),
    ),
    Fault(
        "plan/a value is let go before its last reader",
        "ddtrain/plan/program.py",
        "            kept |= here\n",
        "            kept |= set(instruction.reads)\n            kept -= set(list(instruction.reads)[:1])\n",
        (f"{_TESTS}/test_program.py", f"{_TESTS}/test_compiled.py"),
    ),
    Fault(
        "plan/a number stands where an array of no axes is meant",
        "ddtrain/plan/python_backend.py",
        'call = f"asarray({call})" if kind and not kind.shape else call',
        "pass",
        (f"{_TESTS}/test_compiled.py",),
    ),
    # passes
    Fault(
        "plan/a recomputation is merged with what it repeats",
        "ddtrain/plan/passes/common.py",
        "if instruction.effect or instruction.recomputed or module",
        "if instruction.effect or module",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/equal constants of other types are the same",
        "ddtrain/plan/passes/common.py",
        "    return type(value), repr(value) if isinstance(value, float | complex | np.inexact) else value\n",
        "    return value\n",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/a collective is made once for two calls",
        "ddtrain/plan/passes/common.py",
        'if getattr(instruction.function, "communicates", False) or None in instruction.outputs:',
        "if None in instruction.outputs:",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/a user's operation is called once for two calls",
        "ddtrain/plan/passes/common.py",
        '_PURE = ("numpy", "ddtrain")',
        '_PURE = ("numpy", "ddtrain", "users")',
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/a check is dropped as dead",
        "ddtrain/plan/passes/dead_code.py",
        "if instruction.effect or not read.isdisjoint(instruction.outputs):",
        "if not read.isdisjoint(instruction.outputs):",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/what an effect reads is dropped",
        "ddtrain/plan/passes/dead_code.py",
        "            read.update(instruction.reads)\n",
        "            read.update(() if instruction.effect else instruction.reads)\n",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/a check of a result comes before the result",
        "ddtrain/plan/passes/checks.py",
        "instruction.name.startswith(PREFIX) and inputs.issuperset(instruction.reads)",
        "instruction.name.startswith(PREFIX)",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/a zero of a part keeps its sign, which a sum would not",
        "ddtrain/plan/passes/places.py",
        "        out[index] += g\n",
        "        out[index] = g\n",
        (f"{_TESTS}/c_backend/test_moves.py",),
    ),
    Fault(
        "plan/parts that meet are placed at once",
        "ddtrain/plan/passes/places.py",
        "    return bool(touched.max(initial=0) <= 1)\n",
        "    return True\n",
        (f"{_TESTS}/test_passes.py",),
    ),
    Fault(
        "plan/an identity that is a result is lost",
        "ddtrain/plan/passes/identities.py",
        "outputs = [stands_for.get(out, out) if type(out) is Slot else out for out in program.outputs]",
        "outputs = program.outputs",
        (f"{_TESTS}/test_passes.py",),
    ),
    # compile
    Fault(
        "compile/dtypes share a plan",
        "ddtrain/plan/compiled.py",
        "return leaf.shape, leaf.dtype.char",
        "return leaf.shape",
        (f"{_TESTS}/test_compiled.py",),
    ),
    Fault(
        "compile/structures share a plan",
        "ddtrain/plan/compiled.py",
        "key = (_structure(args), _structure(kwargs), *map(_signature, leaves))",
        "key = (*map(_signature, leaves),)",
        (f"{_TESTS}/test_compiled.py",),
    ),
    Fault(
        "compile/one recording is enough",
        "ddtrain/plan/compiled.py",
        "        elif different := difference(plan.program, program):\n            self._refuse(different)\n",
        "",
        (f"{_TESTS}/test_compiled.py",),
    ),
    # C: memory
    _in_c(
        "two blocks in use at the same time share memory",
        "memory.py",
        "other.first <= block.last and block.first <= other.last",
        "other.first < block.last and block.first < other.last",
        f"{_TESTS}/c_backend/test_memory.py",
    ),
    _in_c(
        "a gap that is too small is taken",
        "memory.py",
        "if other.offset - at >= block.nbytes:",
        "if other.offset > at:",
        f"{_TESTS}/c_backend/test_memory.py",
    ),
    _in_c(
        "what Python was given is written over while it keeps a view",
        "function.py",
        '            if unit.kind == "python":  # it may keep a view of what it is given\n',
        "            if False:\n",
    ),
    _in_c(
        "loops of one pass reuse each other's memory",
        "function.py",
        'if not (unit.kind == before == "loop") and unit.kind != "view":',
        'if unit.kind != "view":',
    ),
    _in_c("results are returned without a copy", "function.py", '.copy()" if i < copies', '" if i < copies'),
    # C: what C reads
    _in_c("a view's address stands for its base's", "function.py", " if slot in self.lowering.python else None", ""),
    _in_c(
        "what C reads in the second half is not carried",
        "function.py",
        "carried = sorted((python_later | held) - made_later",
        "carried = sorted(python_later - made_later",
    ),
    _in_c(
        "gradients go where they went in the first call",
        "function.py",
        "                last[0] = given\n",
        "                last[0] = given\n                if not all(pointer is None for pointer in tables.pointers):\n"
        "                    return\n",
    ),
    _in_c(
        "another layout is read as the one that was recorded",
        "places.py",
        " or layout(value) != self._layout:",
        ":",
        f"{_TESTS}/c_backend/test_lowering.py",
    ),
    _in_c(
        "inputs that share memory are one",
        "places.py",
        "if any(np.may_share_memory(array, other) for other in made):",
        "if False:",
        f"{_PLANS}::test_batches_that_lie_otherwise_in_memory",
        f"{_C}/places.py",
    ),
    Fault(
        "plan/batches of another layout share a plan",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "[(x.shape, x.dtype, layout(x)) for x in batch]",
        "[(x.shape, x.dtype) for x in batch]",
        (f"{_PLANS}::test_batches_that_lie_otherwise_in_memory",),
        native=True,
    ),
    Fault(
        "kernels/bytes in another order are read as the machine's",
        "ddtrain/kernels/native/library.py",
        "return functions.get(name) if dtype.isnative else None",
        "return functions.get(name)",
        (f"{_TESTS}/c_backend/test_lowering.py",),
        native=True,
    ),
    # C: lowering by listening
    _in_c(
        "the trial with other values is left out",
        "lowering.py",
        "if not reads_cell and not self._repeats(",
        "if False and not self._repeats(",
    ),
    _in_c("a number is frozen", "lowering.py", "if any(map(_has_number, results)):", "if False:"),
    _in_c(
        "what communicates is tried by one rank of several",
        "lowering.py",
        'if getattr(instruction.function, "communicates", False) and not self.alone:',
        "if False:",
    ),
    _in_c(
        "a users function is tried",
        "lowering.py",
        '_OURS = ("numpy", "ddtrain")',
        '_OURS = ("numpy", "ddtrain", "users")',
    ),
    _in_c("a check is tried, and goes", "lowering.py", "if instruction.effect or module", "if module"),
    _in_c(
        "a table is treated as work space",
        "lowering.py",
        "if any(owner is room for room in heard.scratch):",
        "if True:",
    ),
    Fault(
        "capture/work space is not heard",
        "ddtrain/kernels/workspace.py",
        "        heard.scratch.append(own)\n",
        "",
        (f"{_TESTS}/c_backend/test_lowering.py",),
        native=True,
    ),
    Fault(
        "capture/a call is made and not noted",
        "ddtrain/kernels/native/library.py",
        "            heard.calls.append((self, tuple(plain)))\n",
        "            pass\n",
        (f"{_TESTS}/c_backend/test_lowering.py",),
        native=True,
    ),
    Fault(
        "seam/what a twin does not take is its answer",
        "ddtrain/kernels/seam.py",
        "            if answer is not NotImplemented:\n",
        "            if True:\n",
        ("ddtrain/kernels/seam.py",),
    ),
    # C: loops and copies
    _in_c(
        "a pass reads a row that it has not made",
        "source.py",
        "if waiting and not _go_together(waiting, unit.loop):",
        "if waiting and waiting[0].result.size != unit.loop.result.size:",
    ),
    _in_c(
        "a repeated operand goes on instead",
        "source.py",
        '"[j]" if a.size == inner < size else "[i]"',
        '"[i]"',
        f"{_TESTS}/c_backend/test_elementwise.py",
    ),
    _in_c(
        "arithmetic is contracted",
        "elementwise.py",
        '"subtract": "{} - {}"',
        '"subtract": "{1} - {0}"',
        f"{_TESTS}/c_backend/test_elementwise.py",
    ),
    _in_c(
        "an operand of gaps is read without them",
        "elementwise.py",
        "if a.dtype != result.dtype or not a.flags.c_contiguous or not",
        "if a.dtype != result.dtype or not",
        f"{_TESTS}/c_backend/test_elementwise.py",
    ),
    _in_c(
        "one entry is copied to a number",
        "moves.py",
        "    return part if isinstance(part, np.ndarray) else ",
        "    return part if True else ",
        f"{_TESTS}/c_backend/test_moves.py",
    ),
    _in_c(
        "what is not copied to is not zero",
        "moves.py",
        "part.size < made.size",
        "False",
        f"{_TESTS}/c_backend/test_moves.py",
    ),
    _in_c(
        "entries are reshaped in C's order, whatever was asked",
        "moves.py",
        'orders in ([], ["C"])',
        "True",
        f"{_TESTS}/c_backend/test_moves.py",
    ),
    _in_c(
        "a copy has another layout than NumPy's",
        "moves.py",
        "np.empty_like(result)",
        "np.empty(result.shape, result.dtype)",
        f"{_TESTS}/c_backend/test_moves.py",
    ),
    _in_c(
        "an axis is merged with one that it does not follow",
        "source.py",
        "axes[-1][1:] == (count * to, count * of)",
        "axes[-1][1] == count * to",
        f"{_TESTS}/c_backend/test_moves.py",
    ),
    # when a plan is repeated
    Fault(
        "plan/a pass is never recorded anew",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "if plan.first is None or plan.repeats == plan.recorded_at:",
        "if plan.first is None:",
        (f"{_PLANS}::test_a_plan_is_recorded_anew_and_notices_what_has_changed",),
    ),
    Fault(
        "plan/a pass may change what it reads",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "changed = before.changed()",
        'changed = ""',
        (f"{_PLANS}::test_what_a_model_keeps_is_no_number_of_a_plan",),
    ),
    Fault(
        "plan/what is changed from outside is not looked at",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "(moved := self._surroundings.moved())",
        '(moved := "")',
        (f"{_PLANS}::test_what_is_changed_from_outside_begins_plans_anew",),
    ),
    Fault(
        "plan/a loss may tell a traced batch from a plain one",
        "ddtrain/trainer/step/passes/recorded_pass.py",
        "return not all(same_bits(mine, array_like(eager)) for mine, eager in pairs)",
        "return False",
        (f"{_PLANS}::test_a_loss_that_tells_a_traced_batch_from_a_plain_one_is_not_planned",),
    ),
    Fault(
        "plan/any two results are the same to verification",
        "ddtrain/trainer/step/passes/verified_pass.py",
        " and mine.tobytes() == eager.tobytes()",
        "",
        (f"{_PLANS}::test_a_wrong_kernel_is_noticed_by_verification",),
    ),
    Fault(
        "plan/what a compiler makes is believed",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "return TriedPass(self, plan, repeated, eager)",
        "return repeated",
        (_TRIED,),
        native=True,
    ),
    Fault(
        "plan/shards go on with functions that were found wrong",
        "ddtrain/trainer/step/passes/shard_passes.py",
        "if each.native is wrong:",
        "if each is plan:",
        (_TRIED,),
        native=True,
    ),
    Fault(
        "plan/a trial does not look at gradients",
        "ddtrain/trainer/step/passes/tried_pass.py",
        'self._compare(f"the gradient of {name}", mine.gradients[i], g)',
        "pass",
        (_TRIED,),
        native=True,
    ),
)
