"""Faults of backends."""

from __future__ import annotations

from tests.faults.fault import Fault

COMM = "tests/comm/test_conformance.py"

FAULTS = (
    Fault(
        "tree/a range is halved in the middle",
        "ddtrain/comm/reduction_tree.py",
        "middle = first + (1 << ((last - first - 1).bit_length() - 1))",
        "middle = first + (last - first + 1) // 2",
        ("ddtrain/comm/reduction_tree.py",),
    ),
    Fault(
        "tree/a chunk of a sum is left out",
        "ddtrain/comm/reduction_tree.py",
        "        for start in range(0, out_n.size, _CHUNK):\n",
        "        for start in range(0, out_n.size - _CHUNK + 1 or 1, _CHUNK):\n",
        (COMM,),
    ),
    Fault(
        "threads/everyone gets the rows of rank 0",
        "ddtrain/comm/backends/threads.py",
        "row[...] = other.send.reshape(len(calls), -1)[rank]",
        "row[...] = other.send.reshape(len(calls), -1)[0]",
        (COMM,),
    ),
    Fault(
        "mpi/a slice is sent without being summed",
        "ddtrain/comm/backends/mpi/tree_sum.py",
        "            tree.fold(list(parts), slices[self._rank])\n"
        "            self._give_back(parts)\n            return",
        "            self._give_back(parts)\n            return",
        (COMM,),
    ),
    Fault(
        "mpi/a slice is summed before it has arrived",
        "ddtrain/comm/backends/mpi/communicator.py",
        "        self.wait(test)\n        finish()",
        "        finish()",
        (COMM,),
    ),
    Fault(
        "mpi_node/a rank does not wait for the others of its node",
        "ddtrain/comm/backends/mpi/windows.py",
        "            self._wait(at, value, awaited)\n",
        "            pass\n",
        (COMM,),
    ),
    Fault(
        "mpi_node/waiting is not counted",
        "ddtrain/comm/backends/mpi/windows.py",
        "        self.waited_s += time.perf_counter() - began\n",
        "",
        (COMM,),
    ),
    Fault(
        "wire/bytes do not queue behind those before",
        "ddtrain/comm/backends/wire.py",
        "self.busy_until = max(self.busy_until, self.clock()) + self.network.occupied(traffic)",
        "self.busy_until = self.clock() + self.network.occupied(traffic)",
        ("tests/comm/backends/test_wire.py",),
    ),
    Fault(
        "clocks/bounds are of the first round",
        "ddtrain/comm/clock_offsets.py",
        "low_P = (entered_Pn - left_Pn[0]).max(axis=1)",
        "low_P = (entered_Pn - left_Pn[0])[:, 0]",
        ("tests/comm/test_clock_offsets.py",),
    ),
    Fault(
        "clocks/an offset has the other sign",
        "ddtrain/comm/clock_offsets.py",
        "Offset(float(low + high) / 2,",
        "Offset(-float(low + high) / 2,",
        ("tests/comm/test_clock_offsets.py",),
    ),
    Fault(
        "network/an allgather sends to one rank",
        "ddtrain/comm/backends/link_model.py",
        '"allgather": lambda n, P: [Traffic(1, (P - 1) * n)]',
        '"allgather": lambda n, P: [Traffic(1, n)]',
        (
            "tests/comm/backends/test_link_model.py",
            "tests/comm/backends/test_wire.py",
        ),
    ),
    Fault(
        "network/the dearer of two ways is taken",
        "ddtrain/comm/backends/link_model.py",
        "min(_WAYS[operation]",
        "max(_WAYS[operation]",
        ("tests/comm/backends/test_link_model.py",),
    ),
    Fault(
        "debug/counts are not compared",
        "ddtrain/comm/backends/debug.py",
        'f"{operation} of {buf.size} x {buf.dtype}"',
        'f"{operation} of {buf.dtype}"',
        ("tests/comm/backends/test_debug.py",),
    ),
    Fault(
        "debug/dtypes are not compared",
        "ddtrain/comm/backends/debug.py",
        'f"{operation} of {buf.size} x {buf.dtype}"',
        'f"{operation} of {buf.size}"',
        ("tests/comm/backends/test_debug.py",),
    ),
    Fault(
        "meeting/roots are not compared",
        "ddtrain/comm/backends/rendezvous.py",
        "self.send.size, self.root, self.tree",
        "self.send.size, 0, self.tree",
        ("tests/comm/backends/test_rendezvous.py",),
    ),
    Fault(
        "meeting/dtypes are not compared",
        "ddtrain/comm/backends/rendezvous.py",
        "return self.name, str(self.send.dtype), self.send.size",
        "return self.name, '', self.send.size",
        ("tests/comm/backends/test_rendezvous.py",),
    ),
    Fault(
        "agree/an error is raised where it was met alone",
        "ddtrain/comm/agreement.py",
        "    if not failed:\n",
        "    if error is None:\n",
        (
            "tests/comm/test_agreement.py",
            "tests/comm/launch/test_run_ranks.py",
            "tests/trainer/test_task.py",
        ),
    ),
    Fault(
        "pending/the thread rests while works are left",
        "ddtrain/comm/backends/mpi/pending_works.py",
        "                if self._works:\n                    self._wanted.set()\n",
        "                pass\n",
        ("tests/comm/backends/mpi_backend/test_pending_works.py",),
    ),
)
