"""Our models and PyTorch's are the same: exported tensors load by name, and outputs and steps agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import models, nn, rng
from ddtrain.bench.workloads import WORKLOADS, Workload
from ddtrain.comm.backends.local import LocalCommunicator

torch = pytest.importorskip("torch")
from ddtrain.bench.peers import pytorch, pytorch_models  # noqa: E402
from ddtrain.bench.peers.ddtrain_steps import ours  # noqa: E402


def filled(model: nn.Module) -> dict[str, Any]:
    """Initial values with every buffer and norm parameter moved away from 0 and 1, so that none can be mistaken."""
    values = model.init(seed=3)
    for name, x in values.items():
        if x.ndim == 1:
            values[name] = np.abs(rng.stream(1, name).normal(1.0, 0.3, x.shape)).astype(x.dtype) + np.float32(0.1)
    return values


@pytest.mark.parametrize(
    ("ours_", "theirs", "shape"),
    [
        (
            lambda: models.Mlp((20, 16, 12, 5), batch_norm=True),
            lambda: pytorch_models.Mlp((20, 16, 12, 5), True),
            (20,),
        ),
        (lambda: models.LeNet(widths=(4, 6)), lambda: pytorch_models.LeNet((4, 6)), (28, 28, 1)),
        (lambda: models.ResNet8(widths=(4, 6, 8)), lambda: pytorch_models.ResNet8((4, 6, 8)), (32, 32, 3)),
    ],
    ids=["mlp_bn", "lenet", "resnet8"],
)
def test_an_exported_checkpoint_loads_and_gives_the_same_logits(ours_: Any, theirs: Any, shape: Any) -> None:
    mine, other = ours_(), theirs()
    values = filled(mine)
    exported = {name: torch.from_numpy(x.copy()) for name, x in nn.to_torch(mine, values).items()}
    other.load_state_dict(exported, strict=True)
    x = rng.stream(0, "images").standard_normal((3, *shape), np.float32)
    with torch.no_grad():
        wanted = other.eval()(pytorch.images_first(x)).numpy()
    found = mine.bind(values)(x)
    # float32, sums of up to 1568 terms: 1e-5 of the largest logit
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_has_the_same_loss_and_gradient_in_both(name: str) -> None:
    whole = WORKLOADS[name]
    workload = Workload(2, whole.architecture, whole.arguments, whole.draw, whole.about)
    twin = pytorch.twin(workload)
    with ours(LocalCommunicator(), name, workload) as mine:
        x, labels = mine.batch
        totals = mine.trainer.train_step.gradients(0, np.arange(mine.count))
        grads = dict(zip(mine.trainer.store.names, mine.trainer.store.grad_views, strict=True))
        tensors = {n: grads.get(n, view) for n, view in mine.trainer.store.tensors.items()}
        exported = nn.to_torch(mine.trainer.task.model, tensors)
    logits = twin(pytorch.images_first(x)).flatten(0, -2)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels).flatten())
    loss.backward()
    assert abs(totals.means()["loss"] - loss.item()) < 1e-5 * abs(loss.item())
    for parameter, tensor in twin.named_parameters():
        wanted = tensor.grad.numpy()
        # Batch-norm over two samples divides by small deviations, which magnifies float32's rounding a hundredfold.
        atol = (1e-3 if "bn" in name or name == "resnet8" else 1e-5) * max(np.abs(wanted).max(), 1e-4)
        np.testing.assert_allclose(exported[parameter], wanted, rtol=1e-4, atol=atol, err_msg=parameter)


def test_the_loop_trains_on_all_of_its_data() -> None:
    workload = WORKLOADS["tiny_mlp"]
    with pytorch.open_peer(LocalCommunicator(), workload) as contestant:
        for _ in range(18):  # past the end of the sixteen batches
            assert set(contestant()) == {"torch"}
    loop: Any = contestant
    assert sorted(torch.cat(loop.batches).tolist()) == list(range(16 * workload.batch))
    start = pytorch.twin(workload).state_dict()
    assert all((value != start[name]).any() for name, value in loop.model.state_dict().items())
