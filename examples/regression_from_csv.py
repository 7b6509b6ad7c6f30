"""From a CSV file to predictions, a picture and PyTorch: what houses cost, in thousands.

The houses of houses.csv are drawn at random; two have no value in a column, and are left out::

    python examples/regression_from_csv.py            # a run in runs/houses, with curves.png and houses.safetensors
    python examples/regression_from_csv.py elsewhere  # in another directory
"""

import sys
from pathlib import Path

from safetensors.numpy import save_file

import ddtrain
from ddtrain import data, nn

out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/houses")
houses = data.CsvData(Path(__file__).with_name("houses.csv"), targets="price", missing="drop")
train, valid = (data.ArrayData(*houses.batch(part)) for part in data.split_indices(len(houses), (0.8, 0.2)))
scale_x, scale_y = (data.Standardize.fit(data.ArrayData(array)) for array in train.arrays)
scaled = [data.ArrayData(part.arrays[0], scale_y(part.arrays[1]), transform=scale_x) for part in (train, valid)]

model = nn.Sequential(nn.Linear(len(houses.columns), 32), nn.tanh(), nn.Linear(32, 1))
loss = lambda model, x_ND, y_N: (model(x_ND)[:, 0] - y_N) ** 2  # one a house, not averaged
fitted: dict[str, data.Fitted] = {"x": scale_x, "y": scale_y, "columns": houses.columns}  # stored beside the model
task = ddtrain.Task(model, loss, train=scaled[0], valid=scaled[1], fitted=fitted)
run = ddtrain.fit(task, dir=out, epochs=60, batch_size=16, optim={"name": "adam", "lr": 0.01})

stored = ddtrain.Run(out).fitted()  # as another program would begin, which has the run alone
scale_x, scale_y = (data.Standardize.from_state(stored[name]) for name in ("x", "y"))
net = ddtrain.Run(out).load(model)
prices = scale_y.inverse(ddtrain.predict(net, scale_x(valid.arrays[0]))[:, 0])
for row, price, actual in zip(valid.arrays[0][:5], prices, valid.arrays[1]):
    print(dict(zip(houses.columns, row.tolist())), f"costs {actual:.0f}, predicted {price:.0f}")
print(f"{len(prices)} houses, off by {abs(prices - valid.arrays[1]).mean():.1f} on average")
run.plot("loss", "valid_loss", file=out / "curves.png")
save_file(dict(run.snapshot().model), out / "houses.safetensors")  # for torch.nn.Sequential(Linear, Tanh, Linear)
