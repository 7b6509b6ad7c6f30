"""Faults of what looks at runs: reports, their axes and curves, and following a run that goes on."""

from __future__ import annotations

from tests.faults.fault import Fault

MARKUP = "tests/report/drawing/test_markup.py"
LIMITS = "tests/report/drawing/test_limits.py"
THINNING = "tests/report/drawing/test_thinning.py"
CHART = "tests/report/drawing/test_chart.py"
WRITING = "tests/report/test_writing.py"
DIFFERENCES = "tests/runs/test_differences.py"
OVERVIEW = "tests/runs/test_overview.py"
FOLLOWING = "tests/runs/test_following.py"

FAULTS = (
    Fault(
        "report/names are not escaped",
        "ddtrain/report/drawing/markup.py",
        "Markup(html.escape(",
        "Markup(str(",
        (MARKUP, WRITING),
    ),
    Fault(
        "report/an exploding run ruins the axis",
        "ddtrain/report/drawing/limits.py",
        "    shown = shown[np.abs(shown) <= most]",
        "    shown = shown[np.abs(shown) <= np.inf]",
        (LIMITS,),
    ),
    Fault(
        "report/a run that explodes early rules the axis of the others",
        "ddtrain/report/drawing/limits.py",
        "tame = [y for y in finite if not _exploded(y)] or finite",
        "tame = finite",
        (LIMITS,),
    ),
    Fault(
        "report/every so many points are kept instead of extremes",
        "ddtrain/report/drawing/thinning.py",
        "{int(inside[y[inside].argmin()]), int(inside[y[inside].argmax()])}",
        "{int(inside[0]), int(inside[-1])}",
        (THINNING,),
    ),
    Fault(
        "report/what is not finite is left out of the curve",
        "ddtrain/report/drawing/thinning.py",
        "        if not finite.all():\n            found.add",
        "        if False:\n            found.add",
        (THINNING,),
    ),
    Fault(
        "report/a line goes on through what is not finite",
        "ddtrain/report/drawing/chart.py",
        '        pen = "L" if fine else "M"\n',
        '        pen = "L"\n',
        (CHART,),
    ),
    Fault(
        "report/runs of different recipes are laid over one another",
        "ddtrain/report/sections/subject.py",
        "    if len(recipes) > 1:\n",
        "    if False:\n",
        (WRITING,),
    ),
    Fault(
        "report/pictures of any size are embedded",
        "ddtrain/report/sections/pictures.py",
        "        if size > room:\n",
        "        if False:\n",
        (WRITING,),
    ),
    Fault(
        "runs/options of a part are compared with another part's defaults",
        "ddtrain/runs/differences.py",
        'config = config.updated({section: {"name": values["name"]}})',
        "config = config.updated({})",
        (DIFFERENCES,),
    ),
    Fault(
        "runs/NaN is the best loss",
        "ddtrain/runs/overview.py",
        "np.where(np.isfinite(history[name]), history[name], math.inf)",
        "np.where(np.isfinite(history[name]), history[name], -math.inf)",
        (OVERVIEW,),
    ),
    Fault(
        "runs/a job that is gone is said to run",
        "ddtrain/trainer/records/run_lock.py",
        "        return not _is_gone(_read_owner(handle))\n",
        "        return True\n",
        (OVERVIEW,),
    ),
    Fault(
        "runs/following takes a job that has just ended for gone",
        "ddtrain/runs/following.py",
        "(not at_work and run.status == view.status)",
        "not at_work",
        (FOLLOWING,),
    ),
    Fault(
        "runs/following loses the beginning of a line",
        "ddtrain/runs/following.py",
        "        self._at += len(whole) + len(newline)\n",
        "        self._at += len(whole) + 2 * len(newline)\n",
        (FOLLOWING,),
    ),
)
