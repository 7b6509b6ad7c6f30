"""Modules and names of ddtrain under their former names, for one release: each warns of the present one.

Programs were written for 0.1 when everything lay on one floor. Nothing in ddtrain imports a former name.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

FORMER = {  # former name -> present name, both inside ddtrain
    "autodiff.arguments": "autodiff.operators.argnums",
    "autodiff.beside": "autodiff.core.watched_arrays",
    "autodiff.calls": "autodiff.core.signatures",
    "autodiff.check": "autodiff.operators.check_grads",
    "autodiff.curvature": "autodiff.operators.curvature",
    "autodiff.examples": "autodiff.core.examples",
    "autodiff.forward": "autodiff.core.forward",
    "autodiff.fused": "autodiff.core.fused",
    "autodiff.graph": "autodiff.inspect.graph",
    "autodiff.guard": "autodiff.core.mutation_check",
    "autodiff.implicit": "autodiff.operators.fixed_point",
    "autodiff.jacobians": "autodiff.operators.jacobians",
    "autodiff.lists": "autodiff.core.array_lists",
    "autodiff.outputs": "autodiff.core.outputs",
    "autodiff.pictures": "autodiff.inspect.drawing",
    "autodiff.probes": "autodiff.inspect.capabilities",
    "autodiff.products": "autodiff.operators.vjp_jvp",
    "autodiff.recomputing": "autodiff.operators.recomputation",
    "autodiff.replay": "plan.constant_graph",
    "autodiff.reverse": "autodiff.core.reverse",
    "autodiff.rules": "autodiff.core.rules",
    "autodiff.space": "autodiff.core.vector_space",
    "autodiff.table": "differentiable",
    "autodiff.tracer": "autodiff.core.primitives",
    "bench.comm_job": "bench.comm.job",
    "bench.comm_report": "bench.comm.report",
    "bench.gantt": "bench.report.gantt",
    "bench.job": "bench.rank_main",
    "bench.launching": "bench.mpirun",
    "bench.netns": "bench.overlap.netns",
    "bench.networks": "bench.predict.networks",
    "bench.ops_programs": "bench.ops.programs",
    "bench.ops_report": "bench.ops.report",
    "bench.ops_scaling": "bench.ops.scaling",
    "bench.ours": "bench.peers.ddtrain_steps",
    "bench.overlap_job": "bench.overlap.job",
    "bench.predict_job": "bench.predict.job",
    "bench.predict_report": "bench.predict.report",
    "bench.predictions": "bench.predict.extrapolation",
    "bench.run_figures": "bench.report.figures",
    "bench.run_report": "bench.report.command",
    "bench.scaling_job": "bench.scaling.job",
    "bench.scaling_report": "bench.scaling.report",
    "bench.simulate": "bench.predict.simulation",
    "bench.subjects": "bench.trainables",
    "bench.torch_models": "bench.peers.pytorch_models",
    "bench.torch_peer": "bench.peers.pytorch",
    "bench.traced": "bench.model_collectives",
    "builtins": "autograd.builtins",
    "comm.agree": "comm.agreement",
    "comm.clocks": "comm.clock_offsets",
    "comm.debug": "comm.backends.debug",
    "comm.failure": "comm.launch.failure",
    "comm.futex": "comm.node.futex",
    "comm.launcher": "comm.startup.environment",
    "comm.local": "comm.backends.local",
    "comm.meeting": "comm.backends.rendezvous",
    "comm.mpi": "comm.backends.mpi.world",
    "comm.mpi_library": "comm.backends.mpi.library",
    "comm.mpi_node": "comm.backends.mpi.windows",
    "comm.mpi_peer": "comm.backends.mpi.baseline",
    "comm.network": "comm.backends.link_model",
    "comm.null": "comm.backends.null",
    "comm.run": "comm.launch.run_ranks",
    "comm.siblings": "comm.startup.startup_watch",
    "comm.solo": "comm.node.single_rank",
    "comm.spec": "comm.backend_spec",
    "comm.threads": "comm.backends.threads",
    "comm.tree": "comm.reduction_tree",
    "comm.underway": "comm.backends.mpi.pending_works",
    "comm.waitgraph": "comm.backends.caller_line",
    "comm.waiting": "comm.backends.polling",
    "comm.wire": "comm.backends.wire",
    "core": "autograd.core",
    "differential_operators": "autograd.differential_operators",
    "extend": "autograd.extend",
    "kernels.norm": "kernels.batch_norm",
    "kernels.normal": "kernels.normal_distribution",
    "kernels.optimizer_update": "kernels.updates.optimizer_update",
    "kernels.rows": "kernels.channel_sums",
    "kernels.scratch": "kernels.workspace",
    "kernels.update": "kernels.updates.optimizer_update",
    "layer": "current_layer",
    "misc": "autograd.misc",
    "misc.fixed_points": "autograd.misc.fixed_points",
    "misc.flatten": "autograd.misc.flatten",
    "misc.optimizers": "autograd.misc.optimizers",
    "misc.tracers": "autograd.misc.tracers",
    "models.cnn": "models.images.cnn",
    "models.gpt": "models.text.gpt",
    "models.nnlm": "models.text.nnlm",
    "models.resnet": "models.images.resnet",
    "nn.sizes": "nn.argument_checks",
    "nn.values": "nn.state_dict",
    "numpy.arithmetic": "numpy.elementwise.arithmetic",
    "numpy.arrangements": "numpy.manipulation.arrangements",
    "numpy.casts": "numpy.elementwise.casts",
    "numpy.choices": "numpy.elementwise.choices",
    "numpy.comparisons": "numpy.elementwise.comparisons",
    "numpy.complexes": "numpy.elementwise.complex_numbers",
    "numpy.convolutions": "numpy.products.convolutions",
    "numpy.differences": "numpy.along_axes.differences",
    "numpy.einsum": "numpy.products.einsum",
    "numpy.floats": "numpy.elementwise.floating_point",
    "numpy.index_tricks": "numpy.manipulation.index_tricks",
    "numpy.indexing": "numpy.manipulation.indexing",
    "numpy.interpolation": "numpy.products.interpolation",
    "numpy.joining": "numpy.manipulation.joining",
    "numpy.linalg.eigen": "numpy.linalg.eigenvalues",
    "numpy.masked": "numpy.along_axes.masked_reductions",
    "numpy.nans": "numpy.along_axes.nan_reductions",
    "numpy.numpy_boxes": "autograd.numpy.numpy_boxes",
    "numpy.numpy_vjps": "autograd.numpy.numpy_vjps",
    "numpy.padding": "numpy.manipulation.padding",
    "numpy.polynomials": "numpy.products.polynomials",
    "numpy.ranks": "numpy.along_axes.quantiles",
    "numpy.reductions": "numpy.along_axes.reductions",
    "numpy.scans": "numpy.along_axes.scans",
    "numpy.selections": "numpy.manipulation.selections",
    "numpy.shapes": "numpy.manipulation.shapes",
    "numpy.special": "numpy.elementwise.special",
    "numpy.statistics": "numpy.along_axes.statistics",
    "numpy.ufuncs": "numpy.dispatch.ufunc_methods",
    "optim.adam": "optim.adaptive.adam",
    "parallel.accumulate": "parallel.shards.accumulator",
    "parallel.hooks.base": "parallel.hooks.hook",
    "parallel.hooks.piece": "parallel.hooks.grad_bucket",
    "parallel.hooks.scatter": "parallel.hooks.reduce_scatter",
    "parallel.hooks.squeezed": "parallel.hooks.compressed_allreduce",
    "parallel.hooks.stages": "parallel.hooks.exchange_stages",
    "parallel.nearby": "parallel.collectives.small_collectives",
    "parallel.place": "parallel.shards.shard_layout",
    "parallel.tags": "parallel.collectives.call_signatures",
    "parallel.verify": "parallel.replica_check",
    "scipy.linalg.structure": "scipy.linalg.assume_a",
    "scipy.linalg.structured": "scipy.linalg.special_matrices",
    "source": "user_lines",
    "recipes.digits_mlp": "recipes.digits.mlp",
    "recipes.fashion_cnn": "recipes.fashion.cnn",
    "recipes.shakespeare_nnlm": "recipes.shakespeare.nnlm",
    "store": "param_store",
    "streams": "standard_output",
    "test_util": "autograd.test_util",
    "tracer": "autograd.tracer",
    "trainer.arithmetic": "trainer.numeric_environment",
    "trainer.bar": "trainer.records.progress_bar",
    "trainer.buffers": "trainer.step.model_buffers",
    "trainer.cli": "trainer.config.command_line",
    "trainer.console": "trainer.records.console",
    "trainer.control": "trainer.step.step_control",
    "trainer.coordinator": "trainer.step.coordinator",
    "trainer.derivatives": "trainer.dp_derivatives",
    "trainer.directory": "trainer.records.run_directory",
    "trainer.evaluate": "trainer.evaluation.evaluate",
    "trainer.files": "trainer.atomic_files",
    "trainer.lane": "trainer.step.gradient_buffer",
    "trainer.metrics": "trainer.records.metrics",
    "trainer.modes.divided": "trainer.step.sharded_optimizer",
    "trainer.modes.local": "trainer.modes.local_sgd",
    "trainer.options": "trainer.config.options",
    "trainer.previous": "trainer.config.resumed_options",
    "trainer.private": "trainer.checkpoint.rank_state",
    "trainer.replica": "trainer.step.setup",
    "trainer.requests": "trainer.stop_signals",
    "trainer.returned": "trainer.step.loss_output",
    "trainer.snapshot": "trainer.checkpoint.contents",
    "trainer.state": "trainer.checkpoint.state_json",
    "trainer.status": "trainer.records.status",
    "trainer.tables": "trainer.config.tables",
    "trainer.timeline": "trainer.step.timeline",
    "trainer.totals": "trainer.step.totals",
    "trainer.trace": "trainer.records.perfetto_trace",
    "util": "autograd.util",
    "wrap_util": "autograd.wrap_util",
}

# Further modules that have what a former one held.
ALSO = {
    "autodiff.tracer": ("autodiff.core.boxes",),
    "trainer.directory": ("trainer.records.run_lock",),
    "trainer.modes.divided": ("trainer.modes.sharded_sync",),
    "numpy.indexing": ("numpy.along_axes.sorting",),
    "numpy.linalg.eigen": ("numpy.linalg.hermitian_eigenvalues",),
    "numpy.ranks": ("numpy.along_axes.sorting",),
    "numpy.shapes": ("numpy.manipulation.axes",),
    "parallel.hooks.base": ("parallel.hooks.error_feedback", "parallel.hooks.bytes_sent"),
    "trainer.state": ("trainer.saved_decisions",),
    "trainer.tables": ("trainer.config.field_types", "trainer.config.toml_files", "suggestions"),
    "trainer.timeline": ("trainer.config.step_ranges",),
}
# Classes and functions that were renamed with their module.
RENAMED = {
    "Apart": "NoopHook",
    "Buffers": "ModelBuffers",
    "Claim": "LockedDirectory",
    "Divided": "ShardedSync",
    "DividedOptimizer": "ShardedOptimizer",
    "Lane": "GradientBuffer",
    "Local": "LocalSGD",
    "Meeting": "PendingCollective",
    "MeetingPlace": "Rendezvous",
    "Memory": "MemoryUse",
    "Messages": "MessageCollectives",
    "Nearby": "SmallCollectives",
    "Piece": "GradBucket",
    "Place": "ShardLayout",
    "Returned": "LossOutput",
    "ScatterSum": "ReduceScatterSum",
    "SoloNode": "SingleRankNode",
    "Squeezed": "CompressedAllreduce",
    "Tree": "ReductionTree",
    "Underway": "PendingWorks",
    "agree": "raise_on_all",
    "agree_on": "check_same",
    "arithmetic": "numeric_environment",
    "by_rank_0": "run_on_rank_0",
    "claimed": "lock_run_directory",
    "find_place": "make_shard_layout",
    "make_piece": "make_grad_bucket",
    "memory_of": "memory_use",
    "nearby": "make_small_collectives",
    "sameness": "required_environment",
    "together": "run_on_all",
}
# What ddtrain itself exported, with the module that has it now.
FORMER_NAMES = dict.fromkeys(("dict", "isinstance", "list", "tuple", "type"), "autograd.builtins")


def former_name(name: str) -> Any:
    """What ``ddtrain.<name>`` was.

    Raises
    ------
    AttributeError : there never was such a name, or it has become that of a module
    """
    if name == "checkpoint":  # so that ``from ddtrain import checkpoint`` looks for the module
        raise AttributeError("ddtrain.checkpoint(f) is ddtrain.autodiff.checkpoint(f) now; import the module first")
    if name not in FORMER_NAMES:
        raise AttributeError(f"module 'ddtrain' has no attribute {name!r}")
    present = f"ddtrain.{FORMER_NAMES[name]}"
    warnings.warn(f"ddtrain.{name} is {present}.{name} now", DeprecationWarning, stacklevel=3)
    return getattr(importlib.import_module(present), name)


class FormerModule(ModuleType):
    """A module under its former name. Called, it is the function of that name which its package has in its place.

    Importing ``ddtrain.comm.launcher`` makes it an attribute of ``ddtrain.comm``, where ``launcher`` is a function.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


class FormerNames:
    """Finds and loads a module under its former name: one whose names are those of the module that has moved."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        return (
            ModuleSpec(fullname, self, is_package=name in ("extend", "misc"))  # type: ignore[arg-type]  # duck-typed
            if (package == "ddtrain" and name in FORMER)
            else None
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return FormerModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        present = f"ddtrain.{FORMER[module.__name__.partition('.')[2]]}"
        warnings.warn(f"{module.__name__} is {present} now", DeprecationWarning, stacklevel=2)
        others = ALSO.get(module.__name__.partition(".")[2], ())
        moved = [importlib.import_module(name) for name in (present, *(f"ddtrain.{other}" for other in others))]
        module.__doc__ = moved[0].__doc__
        module.__getattr__ = lambda name: member(module.__name__, moved, name)  # type: ignore[method-assign]


def member(former: str, moved: Sequence[ModuleType], name: str) -> Any:
    """What a former module had under a name, which may be another now.

    Raises
    ------
    AttributeError : nothing in the present modules has the name, or its successor
    """
    for module in moved:
        for known in (name, RENAMED.get(name, name)):
            if hasattr(module, known):
                if known != name:
                    warnings.warn(f"{former}.{name} is {module.__name__}.{known} now", DeprecationWarning, stacklevel=3)
                return getattr(module, known)
    raise AttributeError(f"{former} has moved to {moved[0].__name__}, which has no {name!r}")


def install() -> None:
    """Let former names be imported. They are looked for last, when there is no module of that name."""
    if not any(isinstance(finder, FormerNames) for finder in sys.meta_path):
        sys.meta_path.append(FormerNames())
