"""The architecture, held by reading the source: who may import whom, and what may stand where."""

from __future__ import annotations

import ast
import functools
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
            "user_lines",
            "standard_output",
            "json_text",
            "partition",
            "memory",
            "blas",
            "blas_threads",
            "current_layer",
            "colors",
            "png",
            "kernels",
            "parts",
            "metrics",
        ),
        0,
    ),
    **dict.fromkeys(("errors", "suggestions"), -1),
    "part_calls": 0.5,  # over parts
    "rng": 0.5,  # over kernels
    **dict.fromkeys(("autodiff", "comm"), 1),
    **dict.fromkeys(("numpy", "param_store", "data", "plan"), 2),
    **dict.fromkeys(("scipy", "ops", "optim", "parallel"), 3),
    "nn": 4,
    **dict.fromkeys(("models", "export", "diagnose"), 5),
    "callbacks": 5.5,  # say what diagnose finds
    **dict.fromkeys(("trainer",), 6),
    **dict.fromkeys(
        (
            "recipes",
            "runs",
            "report",
            "search",
            "meta",
            "check",
            "commands",
            "__main__",
            "bench",
            "train",
            "generate",
            "checkpoint",
            "verify",
            "differentiable",
            "former_modules",
            "",
        ),
        7,
    ),
    "eval": 7,
    "autograd": 8,  # HIPS Autograd's names: nothing else imports them
}
MAY_ONLY = {  # beyond the layers: what a package may import of ddtrain
    "autodiff": {"errors", "tree", "kernels", "rng", "user_lines"},
    "comm": {"errors", "tree", "rng", "user_lines", "standard_output", "partition"},
    "ops": {"autodiff", "numpy", "kernels", "errors", "current_layer", "parts"},
    "optim": {"param_store", "kernels", "errors", "parts", "part_calls"},
    "parallel": {"param_store", "comm", "kernels", "errors", "current_layer", "partition"},
    "plan": {"autodiff", "kernels", "errors", "tree", "current_layer", "user_lines"},
    "scipy": {"autodiff", "numpy", "errors", "tree"},
    "nn": {"ops", "numpy", "autodiff", "rng", "errors", "tree", "current_layer", "part_calls", "parts"},
    "models": {"nn", "errors"},
    "diagnose": {
        "autodiff",
        "comm",
        "current_layer",
        "data",
        "errors",
        "nn",
        "ops",
        "optim",
        "parallel",
        "rng",
        "user_lines",
        "param_store",
    },
    "autograd": {"autodiff", "errors", "numpy", "plan", "scipy", "tree"},
}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def package_of(path: Path) -> str:
    head = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if head == "__init__" else head


@functools.cache
def imports(path: Path) -> set[str]:
    """Every imported module's full name, at any depth of the file."""
    found = set()
    for node in ast.walk(parsed(path)):
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


LATE_IMPORTS = {  # functions that import, by a statement or by name ("": at the top), and why
    "ddtrain.comm.backend_spec:_mpi": "optional: only the backend mpi needs mpi4py, and importing it starts MPI",
    "ddtrain.callbacks.tensorboard:TensorBoard.require": "optional: tensorboardX is in the extra tensorboard",
    "ddtrain.callbacks.tensorboard:_writer": "optional: tensorboardX is in the extra tensorboard",
    "ddtrain.trainer.config.field_types:Keys.names": "a table to which users add, such as modes, is read when needed",
    "ddtrain.trainer.records.console:Console._show": "optional: rich draws the bar, if a terminal is behind the output",
    "ddtrain.export.onnx_file:_File.__init__": "optional: onnx is in an extra",
    "ddtrain.data.sources.image_folder:_pillow": "optional: Pillow is in the extra images",
    "ddtrain.runs.history:History.frame": "optional: a frame is for those who have pandas",
    "ddtrain.runs.run:Run.plot": "optional: matplotlib is in the extra plots",
    "ddtrain.scipy.fallback:fallback_to.get": "optional: SciPy is in an extra",
    "ddtrain.scipy:__getattr__": "optional: SciPy is in an extra, and each of its rooms is loaded on first use",
    "ddtrain.bench.plots:axes": "optional: matplotlib is in the extra plots",
    "ddtrain.bench.plots:check": "optional: matplotlib is in the extra plots",
    "ddtrain.bench.report.gantt:_draw": "optional: matplotlib is in the extra plots",
    "ddtrain.commands.completion:completion": "optional: shtab is in the extra completion",
    "ddtrain.autodiff.inspect.drawing:Graph._svg": "start-up: only a picture needs a process of its own",
    "ddtrain.trainer.main:run": "start-up: --help needs options, and no trainer",
    "ddtrain.recipes:_recipe.loaded": "start-up: a command is about one recipe",
    "ddtrain.__main__:_verb": "start-up: the overview needs no recipe",
    "ddtrain.comm:__getattr__": "start-up: differentiating needs no ranks",
    "ddtrain.commands.search:_script": "start-up: a user's script is run as its own program",
    "ddtrain.commands.verbs:Verb.__call__": "start-up: a verb is loaded for who calls for it",
    "ddtrain.bench.comm.job:_gloo": "optional: PyTorch may be there to compare with",
    "ddtrain.bench.comm.job:_sums": "start-up: MPI starts where it is imported",
    "ddtrain.bench.ops.command:measure": "optional: Autograd or JAX, as asked for, to compare with",
    "ddtrain.bench.peers.pytorch_models:": "optional: PyTorch may be there to compare with",
    "ddtrain.bench.peers.jax_models:": "optional: JAX may be there to compare with",
    "ddtrain.bench.peers.registry:Peer.open": "optional: a peer is loaded for who asks for it",
    "ddtrain.bench.peers.registry:named": "optional: whether a peer is there to compare with",
    "ddtrain.bench.rank_main:main": "start-up: a rank loads the one benchmark that it was started for",
    "ddtrain:__getattr__": "start-up: differentiating needs neither the command line nor the console",
    "ddtrain.former_modules:FormerNames.exec_module": "start-up: a former name is loaded for who asks for it",
    "ddtrain.former_modules:former_name": "start-up: a former name is loaded for who asks for it",
    "ddtrain.differentiable:sections": "optional: SciPy is in an extra",
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def module_graph() -> dict[str, set[str]]:
    """Which modules of ddtrain each module imports, at any depth."""
    names = {module_name(path): path for path in FILES}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        imported = set()
        for full in imports(path):
            while full and full not in names:
                full = full.rpartition(".")[0]
            imported |= {full} - {"", name}
        graph[name] = imported
    return graph


BY_NAME = ("import_module", "__import__", "resolve_name", "find_spec", "exec_module", "run_module", "run_path")


def late_imports(path: Path) -> set[str]:
    """The functions of a file that import, by a statement or by name; "" stands for an import by name outside any."""
    found: set[str] = set()

    def look(node: ast.AST, where: str) -> None:
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if inside or isinstance(node, ast.ClassDef):
            where = f"{where}.{getattr(node, 'name', '<lambda>')}".strip(".")
        called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if called in BY_NAME or (isinstance(node, ast.Import | ast.ImportFrom) and where in functions):
            found.add(f"{module_name(path)}:{where}")
        if inside:
            functions.add(where)
        for child in ast.iter_child_nodes(node):
            look(child, where)

    functions: set[str] = set()
    look(parsed(path), "")
    return found


def rooms(graph: dict[str, set[str]], package: str) -> dict[str, set[str]]:
    """The same of the rooms of a package, each as a whole, beside the modules that are in none."""
    inside = re.compile(rf"(ddtrain\.{package}\.\w+)(\.\w+)*")
    room = {name: match[1] for name in graph if (match := inside.fullmatch(name))}
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        if name in room:
            found.setdefault(room[name], set()).update(
                {room[other] for other in imported if other in room} - {room[name]}
            )
    return found


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
    graph = module_graph()
    graph["ddtrain"] = set()  # any import of a part runs it first, and it knows the parts that users call by name
    assert circles(graph) == []


PACKAGES = sorted({package_of(path) for path in FILES if path.parent.parent == PACKAGE})


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "numpy"])
def test_no_rooms_import_each_other_in_a_circle(package: str) -> None:
    """But those of numpy: its families of functions are made of each other, module by module without a circle."""
    assert circles(
        rooms({"ddtrain.a.b.c": {"ddtrain.a.d"}, "ddtrain.a.d": {"ddtrain.a.b.e"}, "ddtrain.a.b.e": set()}, "a")
    )
    assert circles(rooms(module_graph(), package)) == []


def test_imports_within_functions_and_by_name_have_a_reason() -> None:
    assert set().union(*(late_imports(path) for path in FILES)) == set(LATE_IMPORTS)


def test_imports_are_seen_for_what_they_are() -> None:
    """No relative ones, and below the commands no bare ``import ddtrain``, from which everything could be reached."""
    for path in FILES:
        for node in ast.walk(parsed(path)):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}:{node.lineno} is relative"
            if isinstance(node, ast.Import) and LAYER[package_of(path)] < 7:
                bare = [
                    alias.name for alias in node.names if alias.name.split(".")[0] == "ddtrain" and not alias.asname
                ]
                assert not bare, f"{path}:{node.lineno} imports {bare}"


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


WRITES_CODE = "plan/python_backend.py"  # runs what it has written itself, of instructions alone


def test_no_code_comes_from_data() -> None:
    for path in FILES:
        assert not {n for n in imports(path) if n.split(".")[0] in ("pickle", "marshal", "shelve", "dill")}, path
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                written = path.relative_to(PACKAGE).as_posix() == WRITES_CODE
                assert node.func.id not in ("eval", "exec") or written, f"{path}:{node.lineno}"
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
        for node in ast.walk(parsed(path)):
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
        nodes = [node for node in parsed(path).body if isinstance(node, ast.ImportFrom) and node.module]
        names = {alias.asname or alias.name for node in nodes for alias in node.names}
        package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
        loaded = {str(node.module).removeprefix(f"{package}.").split(".")[0] for node in nodes}
        modules = {file.stem for file in path.parent.glob("*.py")}
        functions = names - {alias.name for node in nodes if node.module == package for alias in node.names}
        assert not (functions & modules) - loaded, package
