"""Faults of sums of gradients over shards and ranks, hooks, and what ranks exchange inside the model."""

from __future__ import annotations

from tests.faults.fault import Fault

SLOW = "tests/equivalence/test_slow_ranks.py"
RANKS = "tests/equivalence/test_ranks.py"
SHARDS = "tests/equivalence/test_shards.py"
MODES = "tests/equivalence/test_modes.py"
REDUCER = "tests/parallel/test_reducer.py"
HOOKS = "tests/parallel/hooks/test_hooks.py"

FAULTS = (
    Fault(
        "reducer/a subtree of the node is written where others are still read",
        "ddtrain/parallel/bucket_sum.py",
        "sums = [np.empty_like(out) for _ in layout.reduced_blocks]",
        "sums = [out, *(np.empty_like(out) for _ in layout.reduced_blocks[1:])]",
        (f"{REDUCER}::test_subtrees_of_several_ranks_on_several_nodes_have_the_bits_of_the_tree",),
    ),
    Fault(
        "totals/they are posted as those of the next step",
        "ddtrain/parallel/totals_reducer.py",
        "self._node.post(self._counter, self._turn)",
        "self._node.post(self._counter, self._turn + 1)",
        (SLOW,),
    ),
    Fault(
        "reducer/several rows of a node are counted as one",
        "ddtrain/parallel/bucket_sum.py",
        "sent = len(sums) * nbytes",
        "sent = nbytes",
        (f"{REDUCER}::test_subtrees_of_several_ranks_on_several_nodes_have_the_bits_of_the_tree",),
    ),
    Fault(
        "totals/nobody waits for them",
        "ddtrain/parallel/totals_reducer.py",
        "        self._node.wait(self._counter, self._turn)\n",
        "",
        (SLOW,),
    ),
    Fault(
        "totals/all turns are written into one half",
        "ddtrain/parallel/totals_reducer.py",
        "[of_rank[half] for of_rank in halves]",
        "[of_rank[0] for of_rank in halves]",
        ("tests/parallel/test_totals_reducer.py",),
    ),
    Fault(
        "reducer/nobody waits for the buckets of the node",
        "ddtrain/parallel/reducer.py",
        "            self.node.wait(self._counters.ready, self._count_at(self._summed + 1))\n",
        "",
        (SLOW,),
    ),
    Fault(
        "norm/nobody waits for the squares of the node",
        "ddtrain/parallel/shared_numbers.py",
        "        self._node.wait(self._counter, self._turn)\n",
        "",
        (SLOW,),
    ),
    Fault(
        "reducer/an update is not awaited",
        "ddtrain/parallel/reducer.py",
        "        self.node.wait(self._counters.updated, self._steps)\n",
        "",
        (SLOW,),
    ),
    Fault(
        "reducer/a bucket starts because another is ready",
        "ddtrain/parallel/reducer.py",
        "        if self._complete < len(missing) and missing[self._complete] == 0:\n            while",
        "        if missing[self._bucket_of[i]] == 0:\n"
        "            self._complete += missing[self._complete] > 0\n"
        "            while",
        (REDUCER,),
    ),
    Fault(
        "reducer/gradients that never came are summed",
        "ddtrain/parallel/reducer.py",
        "        if self._complete < len(self._missing):\n            left",
        "        if False:\n            left",
        (REDUCER,),
    ),
    Fault(
        "reducer/what is owed is not paid on one node",
        "ddtrain/parallel/bucket_sum.py",
        "return None if self.hook.exact else self.hook(share, column)",
        "return None",
        (f"{MODES}::test_what_was_owed_is_paid_whoever_goes_on",),
    ),
    Fault(
        "accumulate/shards are added one after another",
        "ddtrain/parallel/shards/accumulator.py",
        "            merges = _completed(block, shard)\n",
        "            merges = int(shard > block[0])\n",
        (f"{SHARDS}::test_any_number_of_ranks_gives_the_same_bits",),
    ),
    Fault(
        "accumulate/a gradient that is None keeps the last one's",
        "ddtrain/parallel/shards/accumulator.py",
        "            levels[level][i][...] = 0 if g is None else g\n            return",
        "            levels[level][i][...] = levels[level][i] if g is None else g\n            return",
        ("tests/trainer/step/test_train_step.py",),
    ),
    Fault(
        "buckets/cells depend on the bucket's size",
        "ddtrain/parallel/buckets.py",
        "        cells += group_cells\n",
        "        cells += group_cells if itemsize * spans[0].stop < bucket_bytes else [\n"
        "            slice(group_cells[0].start, group_cells[-1].stop)\n"
        "        ]\n",
        (f"{RANKS}::test_bucket_size_changes_no_bit",),
    ),
    Fault(
        "layout/shards follow ranks, not nodes",
        "ddtrain/parallel/shards/shard_layout.py",
        "mine = by_position[starts[node.index] + node.rank]",
        "mine = by_position[comm.rank]",
        (f"{SHARDS}::test_nor_does_where_the_ranks_are",),
    ),
    Fault(
        "layout/a rank's blocks are by its number",
        "ddtrain/parallel/shards/shard_layout.py",
        "blocks=covers[starts[node.index] + node.rank]",
        "blocks=covers[comm.rank]",
        (f"{SHARDS}::test_nor_does_where_the_ranks_are",),
    ),
    Fault(
        "layout/who holds what is by position",
        "ddtrain/parallel/shards/shard_layout.py",
        "shards_by_rank=tuple(range(*by_position[position]) for position in positions)",
        "shards_by_rank=tuple(range(*span) for span in by_position)",
        (
            f"{SHARDS}::test_nor_does_where_the_ranks_are",
            "tests/parallel/shards/test_shard_runner.py",
        ),
    ),
    Fault(
        "shards/a sum over shards is not along the tree",
        "ddtrain/parallel/shards/shard_round.py",
        '        ReductionTree.of_ranks(self.size).fold(self._exchange("allreduce", buf), buf.reshape(-1))\n',
        '        buf.reshape(-1)[...] = np.add.reduce(self._exchange("allreduce", buf))\n',
        ("tests/parallel/shards/test_shard_runner.py",),
    ),
    Fault(
        "shards/rows are in the order of ranks",
        "ddtrain/parallel/shards/shard_runner.py",
        "        self._rows.sort(key=lambda row: held_by[row[0]][row[1]])  # sort the rows by shard\n",
        "",
        ("tests/parallel/shards/test_shard_runner.py",),
    ),
    Fault(
        "shards/a shard a rank is taken to be in the order of ranks",
        "ddtrain/parallel/shards/shard_runner.py",
        "layout.count == comm.size and firsts == sorted(firsts)",
        "layout.count == comm.size",
        ("tests/parallel/shards/test_shard_runner.py",),
    ),
    Fault(
        "shards/ranks that send nothing meet all the same",
        "ddtrain/parallel/shards/shard_runner.py",
        "firsts == sorted(firsts)",
        "firsts == list(range(comm.size))",
        ("tests/bench/predict/test_command.py",),
    ),
    Fault(
        "memory/a turn begins before the last but one was read",
        "ddtrain/parallel/collectives/shared_memory.py",
        "        self._node.wait(self._counter, self._turn)\n        if self._ended",
        "        if self._ended",
        (
            "tests/parallel/collectives/test_shared_memory.py",
            SLOW,
        ),
    ),
    Fault(
        "memory/sums are made before all have written",
        "ddtrain/parallel/collectives/shared_memory.py",
        "        self._node.post(self._counter, self._turn)\n        self._node.wait(self._counter, self._turn)\n",
        "        self._node.post(self._counter, self._turn)\n",
        (
            "tests/parallel/collectives/test_shared_memory.py",
            SLOW,
        ),
    ),
    Fault(
        "memory/a broadcast is read before it is there",
        "ddtrain/parallel/collectives/shared_memory.py",
        "            self._node.wait(self._counter, self._turn, root)\n",
        "",
        (
            "tests/parallel/collectives/test_shared_memory.py",
            SLOW,
        ),
    ),
    Fault(
        "messages/tags in messages are not compared",
        "ddtrain/parallel/collectives/messages.py",
        "        if other != self._tag.raw:\n",
        "        if False:\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "messages/a broadcast's tag is not compared",
        "ddtrain/parallel/collectives/messages.py",
        "        if sent != tag.raw:\n",
        "        if False:\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "hooks/scatter/rows are added in the order of ranks",
        "ddtrain/parallel/hooks/reduce_scatter.py",
        "        ReductionTree.of_ranks(comm.size).fold(list(arrived_P[:, : mine.size]), mine)\n",
        "        mine[...] = sum(arrived_P[1:, : mine.size], arrived_P[0, : mine.size])\n",
        ("tests/trainer/step/test_sharded_optimizer.py::test_a_divided_optimizer_of_many_nodes_sums_along_the_tree",),
    ),
    Fault(
        "hooks/compressed/the rest of the sum is forgotten",
        "ddtrain/parallel/hooks/compressed_allreduce.py",
        "        update_residual(self.served[bucket.span][mine], sum_m, decoded_m)\n",
        "",
        (HOOKS,),
    ),
    Fault(
        "hooks/topk/what was sent is still owed",
        "ddtrain/parallel/hooks/topk.py",
        "        residual_n[places_k] = 0\n",
        "",
        (HOOKS,),
    ),
    Fault(
        "hooks/topk/bytes are counted to one rank",
        "ddtrain/parallel/hooks/topk.py",
        "        self.bytes_sent += allgather_bytes(message.size, comm.size)\n",
        "        self.bytes_sent += message.size\n",
        (f"{HOOKS}::test_the_bytes_that_a_hook_reports_are_those_on_the_wire",),
    ),
    Fault(
        "hooks/powersgd/the right factor is of this rank alone",
        "ddtrain/parallel/hooks/powersgd.py",
        "        yield second.iallreduce(factors)\n",
        "        yield second.iallreduce(factors.copy())\n",
        (HOOKS,),
    ),
    Fault(
        "hooks/stages/second stages begin as they like",
        "ddtrain/parallel/hooks/exchange_stages.py",
        "            self._ahead[0]._wait_for_stage()\n            self._ahead.popleft().advance()\n        while",
        "            self._wait_for_stage()\n            self._ahead.remove(self)\n            self.advance()\n"
        "        while",
        (HOOKS,),
    ),
    Fault(
        "verify/ranks are compared with themselves",
        "ddtrain/parallel/replica_check.py",
        "    if (everyone == everyone[0]).all():\n",
        "    if (everyone == everyone).all():\n",
        ("tests/parallel/test_replica_check.py",),
    ),
    Fault(
        "hooks/codecs/a half is not scaled back",
        "ddtrain/parallel/hooks/codecs.py",
        "np.multiply(half_n, np.repeat(scale_b, BLOCK)[: out_n.size], out=out_n)",
        "out_n[...] = half_n",
        ("tests/parallel/hooks/test_codecs.py",),
    ),
    Fault(
        "hooks/codecs/zero is negative",
        "ddtrain/parallel/hooks/codecs.py",
        "np.packbits(x_n >= 0)",
        "np.packbits(x_n > 0)",
        ("tests/parallel/hooks/test_codecs.py",),
    ),
    Fault(
        "hooks/error feedback/what is owed is not paid where there is one node",
        "ddtrain/parallel/hooks/error_feedback.py",
        "                bucket.gradients[...] += residual\n",
        "                pass\n",
        (f"{MODES}::test_what_was_owed_is_paid_whoever_goes_on",),
    ),
    Fault(
        "hooks/error feedback/a channel is made in the midst of a step",
        "ddtrain/parallel/hooks/error_feedback.py",
        '        assert self._second is not None, "the hook is connected"\n',
        "        self._second = comm.duplicate()\n",
        ("tests/equivalence/test_nodes.py::test_once_built_a_step_makes_no_channel_and_no_memory",),
    ),
    Fault(
        "hooks/scatter/all buckets have the slices of the first",
        "ddtrain/parallel/hooks/reduce_scatter.py",
        "self._slices[bucket.index]",
        "self._slices[0]",
        ("tests/equivalence/test_nodes.py",),
    ),
    Fault(
        "memory/tags are not compared",
        "ddtrain/parallel/collectives/shared_memory.py",
        "            if codes[rank][0] != mine:\n",
        "            if False:\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "memory/the end of a pass is not compared",
        "ddtrain/parallel/collectives/shared_memory.py",
        "        if self._ended:\n            self._compare(self._everybody)\n",
        "        if self._ended:\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "messages/messages are used before their tags",
        "ddtrain/parallel/collectives/messages.py",
        "        compared.wait()\n        work.wait()\n",
        "        work.wait()\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "tags/a layer is not part of a tag",
        "ddtrain/parallel/collectives/call_signatures.py",
        'where = f"in layer {layer!r}" if layer else "outside of any layer"',
        'where = ""',
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
    Fault(
        "shards/what shards of a rank exchange is not compared",
        "ddtrain/parallel/shards/shard_round.py",
        "        elif tag.code != self._tag.code:\n",
        "        elif False:\n",
        ("tests/parallel/collectives/test_call_signatures.py",),
    ),
)
