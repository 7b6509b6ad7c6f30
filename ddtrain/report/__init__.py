"""``ddtrain report``: one HTML file on one or several runs, which opens without a network.

Read ``writing`` (from runs to a file), then ``page`` (what is around the sections: ``page.css``, ``page.js``).
``sections/`` has a file a section, each a function of runs; ``drawing/`` is how they draw: HTML and SVG as escaped
text, axes that an exploding run does not ruin, curves thinned without losing an extreme.
"""

from ddtrain.report.writing import report_html, write_report

__all__ = ["report_html", "write_report"]
