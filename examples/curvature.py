"""How curved is a network's loss, and how long a step can gradient descent take there?

The largest eigenvalue of the Hessian, by power iteration: a product H v costs about two gradients, and H is never
formed. The loss is the mean over all ranks' digits, and batch-norm's moments are over all of them, so a product
differentiates through the ranks, twice. Along an eigenvector of eigenvalue a, steps of length 2 / a and more diverge
on a quadratic; gradient descent is known to seek out that edge (Cohen et al., arXiv:2103.00065)::

    python examples/curvature.py                             # one process
    python examples/curvature.py --comm.backend threads:4    # four ranks in one process, the same figures
    mpirun -n 4 python examples/curvature.py                 # four ranks, the same figures
"""

# N samples of all ranks, D = 64 pixels

import argparse
import sys

import numpy as np

from ddtrain import data, dp_hvp, dp_value_and_grad, model_loss, nn, ops, rng
from ddtrain.comm import run_ranks


def network():
    """A small perceptron with batch-norm, over all ranks, and a smooth activation."""
    return nn.Sequential(nn.Linear(64, 16, bias=False), nn.BatchNorm(16), nn.tanh(), nn.Linear(16, 10))


def loss(model, x_ND, y_N):
    """The negative log-likelihood of each sample's class, in nats."""
    return ops.cross_entropy(model(x_ND), y_N)


def shard(comm, samples):
    """This rank's digits, where the number of ranks need not divide that of samples."""
    images = data.digits()
    first, last = data.shard_bounds(samples, comm.rank, comm.size)
    x_ND = (images.x_train.reshape(-1, 64) - 4.88) / 6.02  # mean and standard deviation of the pixels
    return x_ND[first:last], images.y_train[first:last]


def norm(v):
    """The length of a dict of arrays, taken as one vector."""
    return np.sqrt(sum(np.sum(x * x) for x in v.values()))


def largest_eigenvalue(product, v, tolerance=1e-3, most=300):
    """The Rayleigh quotient v'Hv after power iteration from ``v``, the residual |Hv - (v'Hv) v|, and how many products.

    All ranks have the same bits, so they stop alike.
    """
    products, residual, eigenvalue = 0, np.inf, 0.0
    while residual > tolerance * abs(eigenvalue) and products < most:
        length = norm(v)
        v = {name: x / length for name, x in v.items()}
        hv, products = product(v), products + 1
        eigenvalue = sum(np.sum(hv[name] * v[name]) for name in v)
        residual = norm({name: hv[name] - eigenvalue * v[name] for name in v})
        v = hv
    return eigenvalue, residual, products


def descend(comm, samples=301, steps=60, lr=0.5):
    """Gradient descent on all samples; yields what :func:`main` prints, the same on all ranks."""
    of_params, params = model_loss(network(), loss, network().init(0, "float64"))
    value_and_grad, hvp = dp_value_and_grad(of_params, comm), dp_hvp(of_params, comm)
    batch = shard(comm, samples)
    start = {name: rng.stream(0, f"direction/{name}").standard_normal(x.shape) for name, x in params.items()}
    for step in range(steps + 1):
        value, gradient = value_and_grad(params, *batch)
        if step % 20 == 0:
            product = lambda v, params=params: hvp(params, v, *batch)
            yield step, value, *largest_eigenvalue(product, start)
        params = {name: x - lr * gradient[name] for name, x in params.items()}


def main(comm, **options):
    """Print what rank 0 finds, which is what all ranks find."""
    for step, value, eigenvalue, _, products in descend(comm, **options):
        if comm.rank == 0:
            print(f"step {step:3d}  loss {value:.6f}  largest eigenvalue {eigenvalue:.5f}", end="  ")
            print(f"longest step {2 / eigenvalue:.4f}  ({products} products)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comm.backend", dest="backend", default="auto", help="which ranks, see README.md")
    parser.add_argument("--samples", type=int, default=301, help="digits of all ranks together")
    parser.add_argument("--steps", type=int, default=60, help="of gradient descent")
    parser.add_argument("--lr", type=float, default=0.5, help="length of a step by that of the gradient")
    options = vars(parser.parse_args())
    sys.exit(run_ranks(options.pop("backend"), lambda comm: main(comm, **options)))
