"""Layers over the steps: norms from RUN/layers.jsonl, outputs from RUN/activations.jsonl, of callbacks of these names.

Lines of the files: ``{"step": 10, "layers": {"first.weight": {"value": 1.5, "gradient": 0.02, "update": 0.001}}}`` and
``{"step": 10, "layers": {"first": {"mean": 0.1, "std": 0.8, "zeros": 0.5}}}``.
"""

from __future__ import annotations

from ddtrain import colors
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.drawing.small_curves import rows_of_layers
from ddtrain.report.sections.subject import Subject, lines_of

NORMS, ACTIVATIONS = "layers.jsonl", "activations.jsonl"
_NORMS = {"value": colors.OTHER, "gradient": colors.GRADIENT, "update": colors.UPDATE}
_ACTIVATIONS = {
    **dict.fromkeys(("mean", "std"), colors.TRAINING),
    **dict.fromkeys(("zeros", "dead", "saturated"), colors.OTHER),
}


def layers(subject: Subject) -> Markup | None:
    """What is out of the ordinary; a row a parameter with the norms of its values, gradient and change, and a row a
    layer with its outputs.

    Raises
    ------
    ValueError : a file is of another form
    """
    norms, activations = (list(lines_of(subject.run.path / file)) for file in (NORMS, ACTIVATIONS))
    if not norms and not activations:
        return None
    about_norms = tag("p", "norms of values, gradient and change; logarithmic curves", class_="note")
    about_outputs = tag("p", "mean and spread of outputs, and shares of what is 0, dead or saturated", class_="note")
    said = list(dict.fromkeys(told for line in (*norms, *activations) for told in line.get("verdicts", ())))
    return join(
        tag("ul", *(tag("li", text) for text in said)) if said else None,
        *((rows_of_layers(norms, _NORMS, "parameters", log=True), about_norms) if norms else ()),
        *((rows_of_layers(activations, _ACTIVATIONS, "layers"), about_outputs) if activations else ()),
    )
