"""Our models and PyTorch's are the same: exported tensors load by name, and outputs and steps agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import models, nn, rng
from ddtrain.autodiff import value_and_grad
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import batch_of

torch = pytest.importorskip("torch")
from ddtrain.bench.peers import pytorch, pytorch_images, pytorch_models  # noqa: E402


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
        (lambda: models.LeNet(widths=(4, 6)), lambda: pytorch_images.LeNet((4, 6)), (28, 28, 1)),
        (lambda: models.ResNet8(widths=(4, 6, 8)), lambda: pytorch_images.ResNet8((4, 6, 8)), (32, 32, 3)),
        (lambda: models.ResNet20(widths=(4, 6, 8)), lambda: pytorch_images.ResNet20((4, 6, 8)), (32, 32, 3)),
        (lambda: models.InceptionNet(width=8), lambda: pytorch_images.InceptionNet(8), (28, 28, 1)),
    ],
    ids=["mlp_bn", "lenet", "resnet8", "resnet20", "inception"],
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
    """In float64: batch-norm over two samples divides by small deviations, which magnify what float32 rounds."""
    workload = replace(WORKLOADS[name], batch=2)
    twin, task = pytorch.twin(workload).double(), workload.task(ranks=1)
    x, labels = batch_of(task.train, np.arange(2), np.float64)
    values = {path: x.astype(np.float64) for path, x in task.model.init(seed=0).items()}
    trained = {path: values[path] for path, declared in task.model.declarations().items() if declared.trained}

    def mean_loss(trained: Any) -> Any:
        return dnp.mean(task.loss(task.model.bind(values | trained, training=True), x, labels)[0])

    found, grads = value_and_grad(mean_loss)(trained)
    exported = nn.to_torch(task.model, values | grads)
    loss = torch.nn.functional.cross_entropy(
        twin(pytorch.images_first(x)).flatten(0, -2), torch.from_numpy(labels).flatten()
    )
    loss.backward()
    assert abs(found - loss.item()) < 1e-12
    for parameter, tensor in twin.named_parameters():
        wanted = tensor.grad.numpy()
        atol = 1e-9 * max(np.abs(wanted).max(), 1e-4)  # 1e-12, and what small deviations make of it in 19 layers
        np.testing.assert_allclose(exported[parameter], wanted, rtol=0, atol=atol, err_msg=parameter)


def test_the_loop_trains_on_all_of_its_data() -> None:
    workload = WORKLOADS["tiny_mlp"]
    with pytorch.open_peer(LocalCommunicator(), workload) as contestant:
        for _ in range(18):  # past the end of the sixteen batches
            assert set(contestant()) == {"torch"}
    loop: Any = contestant
    assert sorted(torch.cat(loop.batches).tolist()) == list(range(16 * workload.batch))
    start = pytorch.twin(workload).state_dict()
    assert all((value != start[name]).any() for name, value in loop.model.state_dict().items())
