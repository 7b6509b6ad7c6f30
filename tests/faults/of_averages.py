"""Faults of averages of weights: what enters, with which weight, and what is left of an evaluation."""

from __future__ import annotations

from tests.faults.fault import Fault

AVERAGES = "tests/optim/averages/test_averages.py"
WEIGHTS = "tests/trainer/average/test_averaged_weights.py"
STATISTICS = "tests/trainer/average/test_batch_statistics.py"
POPULATION = "tests/trainer/average/test_population.py"

FAULTS = (
    Fault(
        "average/the new weights enter whole",
        "ddtrain/kernels/updates/average_update.py",
        "np.multiply(new, 1.0 - keep, out=work[: len(new)])",
        "new",
        (AVERAGES, "tests/kernels/updates/test_average_update.py"),
    ),
    Fault(
        "average/the values before the update enter",
        "ddtrain/optim/averages/averaging_optimizer.py",
        "        self._inner.apply(values, grads, lr=lr, scale=scale, spans=spans)\n        keep",
        "        before = values.copy()\n        self._inner.apply(values, grads, lr=lr, scale=scale, spans=spans)\n"
        "        values = before\n        keep",
        (AVERAGES,),
    ),
    Fault(
        "average/swa counts one too few",
        "ddtrain/optim/averages/swa.py",
        "        return entered / (entered + 1)",
        "        return (entered - 1) / entered if entered else 0.0",
        (AVERAGES,),
    ),
    Fault(
        "average/swa begins one update early",
        "ddtrain/optim/averages/swa.py",
        "floor(self.start * steps) + 1",
        "floor(self.start * steps)",
        (AVERAGES,),
    ),
    Fault(
        "average/the warm-up is the larger decay",
        "ddtrain/optim/averages/ema.py",
        "min(self.decay, (1 + count) / (10 + count))",
        "max(self.decay, (1 + count) / (10 + count))",
        (AVERAGES,),
    ),
    Fault(
        "average/the weights do not come back",
        "ddtrain/trainer/average/averaged_weights.py",
        "            train_step.store.state[...] = buffers\n            self._swap(average)\n",
        "            train_step.store.state[...] = buffers\n",
        (WEIGHTS,),
    ),
    Fault(
        "average/running statistics of the average stay",
        "ddtrain/trainer/average/averaged_weights.py",
        "            train_step.store.state[...] = buffers\n",
        "",
        (WEIGHTS,),
    ),
    Fault(
        "average/nodes apart show their own average",
        "ddtrain/trainer/average/averaged_weights.py",
        "self._mode.consolidated(state=True)",
        "self._mode.consolidated()",
        (WEIGHTS,),
    ),
    Fault(
        "average/running statistics go on from what was there",
        "ddtrain/trainer/average/batch_statistics.py",
        "    for name in of_layers:\n        store.state_views[name][...] = 0\n",
        "",
        (STATISTICS,),
    ),
    Fault(
        "average/running statistics keep their momentum",
        "ddtrain/trainer/average/batch_statistics.py",
        "        layer.momentum = None  # the mean over all batches\n",
        "        layer.eps += 0.0\n",
        (STATISTICS, POPULATION),
    ),
    Fault(
        "average/buffers of other layers are touched",
        "ddtrain/trainer/average/batch_statistics.py",
        "            if name in of_layers:\n",
        "            if name:\n",
        (STATISTICS,),
    ),
    Fault(
        "population/the run goes on with its statistics",
        "ddtrain/trainer/average/population.py",
        "    store.state[...] = moving\n",
        "",
        (POPULATION,),
    ),
    Fault(
        "population/a run that stops to be resumed has them, too",
        "ddtrain/trainer/average/population.py",
        "reason in (Reason.FINISHED, Reason.PATIENCE)",
        "reason is not Reason.NONE",
        (POPULATION,),
    ),
    Fault(
        "population/they are the weights' although the average is evaluated",
        "ddtrain/trainer/loop.py",
        "            self.average.evaluated(self.records.alive),\n            population_statistics",
        "            self.mode.consolidated(),\n            population_statistics",
        (POPULATION,),
    ),
    Fault(
        "population/a finished run computes them again",
        "ddtrain/trainer/loop.py",
        "wanted(self.config, reason) and self.state.population < self.state.step",
        "wanted(self.config, reason)",
        (POPULATION,),
    ),
    Fault(
        "population/who loads the model has the moving ones",
        "ddtrain/trainer/checkpoint/stored_model.py",
        "{**snapshot.model, **snapshot.population}",
        "snapshot.model",
        (POPULATION,),
    ),
)
