"""Faults of data, modules, initial values, random numbers and the store."""

from __future__ import annotations

from tests.faults.fault import Fault

FAULTS = (
    Fault(
        "sampler/every epoch has the same order",
        "ddtrain/data/sampler.py",
        'rng.stream(seed, "shuffle", epoch)',
        'rng.stream(seed, "shuffle", 0)',
        ("tests/data/test_sampler.py",),
    ),
    Fault(
        "sampler/a short last batch is dropped",
        "ddtrain/data/sampler.py",
        "    return -(-n // batch_size)\n",
        "    return n // batch_size\n",
        ("tests/data/test_sampler.py",),
    ),
    Fault(
        "checksum/is of the last array alone",
        "ddtrain/data/checksum.py",
        "crc = _of_array(np.asarray(array), crc)",
        "crc = _of_array(np.asarray(array), 0)",
        ("tests/data/test_checksum.py",),
    ),
    Fault(
        "rng/a sample's numbers depend on where its rows begin",
        "ddtrain/rng.py",
        "_philox(seed, purpose, first * blocks, (step,))",
        "_philox(seed, purpose, first, (step,))",
        ("tests/test_rng.py",),
    ),
    Fault(
        "rng/every step draws the same",
        "ddtrain/rng.py",
        "_philox(seed, purpose, first * blocks, (step,))",
        "_philox(seed, purpose, first * blocks, (0,))",
        ("tests/test_rng.py",),
    ),
    Fault(
        "nn/running statistics keep what they should take",
        "ddtrain/nn/norm.py",
        "(1 - share) * value_of(running) + share * new",
        "share * value_of(running) + (1 - share) * new",
        (
            "tests/nn/test_module.py",
            "tests/ops/test_batch_norm.py",
        ),
    ),
    Fault(
        "nn/initial values are in twice the range",
        "ddtrain/nn/init/functions.py",
        "bound = max(1, n_in) ** -0.5",
        "bound = 2 * max(1, n_in) ** -0.5",
        ("tests/nn/init/test_functions.py",),
    ),
    Fault(
        "store/parameters are hashed in the order of declaration",
        "ddtrain/param_store.py",
        "for _, view in sorted(tensors.items()):",
        "for _, view in tensors.items():",
        ("tests/test_param_store.py",),
    ),
    Fault(
        "store/buffers are not hashed",
        "ddtrain/param_store.py",
        "        return _sha256(self.tensors)\n",
        "        return _sha256(self.parameters)\n",
        ("tests/test_param_store.py",),
    ),
    Fault(
        "text/a play's tail is trained on",
        "ddtrain/data/text.py",
        "    return sequence[:cut], sequence[cut:]\n",
        "    return sequence, sequence[cut:]\n",
        ("tests/data/test_text.py",),
    ),
    Fault(
        "text/windows cross plays",
        "ddtrain/data/text.py",
        "runs = [sliding_window_view(text, context + 1) for text in texts if len(text) > context]",
        "runs = [sliding_window_view(np.concatenate(texts), context + 1)] if texts else []",
        ("tests/data/test_text.py",),
    ),
    Fault(
        "text/ties go by first occurrence",
        "ddtrain/data/text.py",
        "key=lambda t: (-counts[t], t)",
        "key=lambda t: -counts[t]",
        ("tests/data/test_text.py",),
    ),
    Fault(
        "images/what is held out is trained on",
        "ddtrain/data/images.py",
        "test, train = order[:_DIGITS_HELD_OUT], order[_DIGITS_HELD_OUT:]",
        "test, train = order[:_DIGITS_HELD_OUT], order",
        ("tests/data/test_images.py",),
    ),
    Fault(
        "idx/a file may end early",
        "ddtrain/data/idx.py",
        "        if got < size:\n",
        "        if False:\n",
        ("tests/data/test_idx.py",),
    ),
    Fault(
        "idx/a file may go on",
        "ddtrain/data/idx.py",
        "        if stream.read(1):  # reading",
        "        if False:  # reading",
        ("tests/data/test_idx.py",),
    ),
    Fault(
        "bigram/weights are fit on what was counted",
        "ddtrain/data/bigram.py",
        "(*parts[:k], *parts[k + 1 :])",
        "parts",
        ("tests/data/test_bigram.py",),
    ),
)
