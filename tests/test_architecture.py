"""The architecture, held by reading the source: who may import whom, and what may stand where."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ddtrain

PACKAGE = Path(ddtrain.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

LAYER = {  # a module may import its own layer's siblings only inside one package, and anything below
    **dict.fromkeys(
        (
            "tree",
            "rng",
            "user_lines",
            "standard_output",
            "partition",
            "blas",
            "blas_threads",
            "current_layer",
            "kernels",
            "parts",
            "former_modules",
        ),
        0,
    ),
    **dict.fromkeys(("errors", "suggestions"), -1),
    **dict.fromkeys(("autodiff", "comm"), 1),
    **dict.fromkeys(("numpy", "param_store", "data"), 2),
    **dict.fromkeys(("scipy", "ops", "optim", "parallel", "plan"), 3),
    "nn": 4,
    **dict.fromkeys(("models", "diagnose"), 5),
    **dict.fromkeys(("trainer", "search"), 6),
    **dict.fromkeys(("recipes", "bench", "train", "generate", "checkpoint", "verify", ""), 7),
    "autograd": 8,  # HIPS Autograd's names: nothing else imports them
}
MAY_ONLY = {  # beyond the layers: what a package may import of ddtrain
    "autodiff": {"errors", "tree", "kernels", "rng", "user_lines"},
    "comm": {"errors", "tree", "rng", "user_lines", "standard_output", "partition"},
    "ops": {"autodiff", "numpy", "kernels", "errors", "current_layer", "parts"},
    "optim": {"param_store", "kernels", "errors", "parts"},
    "parallel": {"param_store", "comm", "kernels", "errors", "current_layer", "partition"},
    "scipy": {"autodiff", "numpy", "errors", "tree"},
    "nn": {"ops", "numpy", "autodiff", "rng", "errors", "current_layer", "parts"},
    "models": {"nn", "errors"},
    "diagnose": {
        "autodiff",
        "comm",
        "current_layer",
        "data",
        "errors",
        "nn",
        "ops",
        "parallel",
        "rng",
        "user_lines",
        "param_store",
    },
    "autograd": {"autodiff", "errors", "numpy", "scipy", "tree"},
}


def package_of(path: Path) -> str:
    head = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if head == "__init__" else head


def imports(path: Path) -> set[str]:
    """Every imported module's full name, at any depth of the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """The packages of ddtrain that a file imports, other than its own."""
    parts = [name.split(".") for name in imports(path)]
    return {p[1] for p in parts if p[0] == "ddtrain" and len(p) > 1} - {package_of(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_lower_layers_never_import_higher_ones(path: Path) -> None:
    package = package_of(path)
    assert package in LAYER, f"{package} has no layer: enter it in DESIGN and here"
    for other in own(path) - {"__version__"}:
        assert LAYER[other] < LAYER[package] or LAYER[other] == LAYER[package] == 7, f"{path} imports ddtrain.{other}"
        assert other in MAY_ONLY.get(package, {other}), f"{package} may not import {other}"


FUNCTION_IMPORTS = {  # modules that import inside a function, and why
    "ddtrain.comm.backend_spec": "optional: only the backend mpi needs mpi4py, and importing it starts MPI",
    "ddtrain.trainer.config.options": "start-up: tyro takes 0.2 s, and a run that needs no help does not wait for it",
    "ddtrain.trainer.records.console": "optional: rich draws the bar, and only where a terminal is behind the output",
    "ddtrain.bench.plots": "optional: matplotlib is in the extra plots",
    "ddtrain.bench.gantt": "optional: matplotlib is in the extra plots",
    "ddtrain.bench.comm.job": "optional: PyTorch may be there to compare with; and MPI starts where it is imported",
    # by name, as importlib does:
    "ddtrain": "start-up: differentiating needs neither the command line nor the console",
    "ddtrain.former_modules": "optional: what nobody asks for under a former name is not loaded under it",
    "ddtrain.scipy": "optional: SciPy is in an extra, and each of its rooms is loaded on first use",
    "ddtrain.autodiff.table": "start-up: the table of all operations is printed on request, and lists every family",
    "ddtrain.trainer.config.field_types": "the names that a table holds, which users add to, are asked for when needed",
    "ddtrain.bench.ops.command": "optional: Autograd or JAX, as asked for, to compare with",
    "ddtrain.bench.peers.registry": "optional: the peers that are asked for",
    "ddtrain.bench.rank_main": "start-up: a rank loads the benchmark that it was started for",
}


def module_graph() -> tuple[dict[str, set[str]], set[str]]:
    """Which modules of ddtrain each module imports, at any depth; and which import something inside a function."""
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in FILES
    }
    graph: dict[str, set[str]] = {}
    within: set[str] = set()
    for name, path in names.items():
        tree = ast.parse(path.read_text())
        imported = set()
        for full in imports(path):
            while full and full not in names:
                full = full.rpartition(".")[0]
            imported |= {full} - {"", name}
        graph[name] = imported
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        if any(is_import(node) for f in functions for node in ast.walk(f)):
            within.add(name)
    return graph, within


def is_import(node: ast.AST) -> bool:
    """Whether a node imports, by a statement or by name."""
    called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.Import | ast.ImportFrom) or called in ("import_module", "__import__")


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The modules that import each other in a circle: what is left when those without a way on or back are gone."""
    left = {name: set(imported) for name, imported in graph.items()}
    while True:
        targets = set().union(*left.values()) if left else set()
        ends = {name for name in left if not left[name] or name not in targets}
        if not ends:
            return [sorted(left)] if left else []
        left = {name: imported - ends for name, imported in left.items() if name not in ends}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["b", "c"]], "a circle is noticed"
    graph, _ = module_graph()
    graph["ddtrain"] = set()  # any import of a part runs it first, and it knows the parts that users call by name
    assert circles(graph) == []


def test_imports_inside_a_function_have_a_reason() -> None:
    assert module_graph()[1] == set(FUNCTION_IMPORTS)


ROOM = 16  # files; one that outgrows this gets rooms inside by topic


def test_no_room_is_crowded() -> None:
    rooms = {folder: len(list(folder.glob("*.py"))) for folder in {path.parent for path in FILES}}
    assert {str(room): n for room, n in rooms.items() if n > ROOM and room != PACKAGE} == {}


def test_only_the_mpi_backend_imports_mpi4py() -> None:
    users = {p.relative_to(PACKAGE).as_posix() for p in FILES if any(n.startswith("mpi4py") for n in imports(p))}
    assert users
    assert all(re.fullmatch(r"comm/backends/mpi/\w+\.py", user) for user in users)


def test_only_the_namespace_of_scipy_imports_scipy() -> None:
    users = {package_of(p) for p in FILES if any(n.split(".")[0] == "scipy" for n in imports(p))}
    assert users == {"scipy"}


def test_no_code_comes_from_data() -> None:
    for path in FILES:
        assert not {n for n in imports(path) if n.split(".")[0] in ("pickle", "marshal", "shelve", "dill")}, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{path}:{node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", path


RANK_0 = {
    "step/coordinator",
    "checkpoint/writer",
    *("records/console", "records/metrics", "records/run_records", "records/status"),  # the log
}


def test_rank_0_decides_saves_and_logs_and_nothing_else() -> None:
    special = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and ast.unparse(node) in (
                "comm.rank == 0",
                "self.comm.rank == 0",
                "rank == 0",
            ):
                special.add(path.relative_to(PACKAGE).as_posix())
    training = {name for name in special if not name.startswith(("comm/", "bench/"))}
    assert training == {f"trainer/{name}.py" for name in RANK_0}


def test_no_package_has_a_function_of_a_modules_name_that_is_imported_later() -> None:
    """Importing a module makes it an attribute of its package: it would take the place of such a function."""
    for path in FILES:
        if path.name != "__init__.py" or path.parent == PACKAGE:
            continue
        nodes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom) and node.module]
        names = {alias.asname or alias.name for node in nodes for alias in node.names}
        package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
        loaded = {str(node.module).removeprefix(f"{package}.").split(".")[0] for node in nodes}
        modules = {file.stem for file in path.parent.glob("*.py")}
        functions = names - {alias.name for node in nodes if node.module == package for alias in node.names}
        assert not (functions & modules) - loaded, package
