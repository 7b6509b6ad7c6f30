"""Pages of the reference that are made of the source: options of the dataclasses, and the API of docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ddtrain.parts import Part
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.listing import PARTS
from ddtrain.trainer.config.options import explanations

MODULES = (
    "ddtrain",
    "ddtrain.nn",
    "ddtrain.nn.init",
    "ddtrain.ops",
    "ddtrain.ops.losses",
    "ddtrain.optim",
    "ddtrain.optim.schedules",
    "ddtrain.optim.averages",
    "ddtrain.data",
    "ddtrain.data.augment",
    "ddtrain.models",
    "ddtrain.metrics",
    "ddtrain.callbacks",
    "ddtrain.runs",
    "ddtrain.runs.diagnosing",
    "ddtrain.search",
    "ddtrain.meta",
    "ddtrain.plan",
    "ddtrain.autodiff",
    "ddtrain.comm",
    "ddtrain.rng",
    "ddtrain.errors",
)
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.M)  # of a docstring in NumPy's style
_ITEM = re.compile(r"^(\S[^:\n]*?) : (.*(?:\n(?: .*)?)*)", re.M)


def make(folder: Path) -> None:
    """Write the pages; one that is there and says the same stays, so that Sphinx does not read it again."""
    (folder / "api").mkdir(exist_ok=True)
    seen: dict[int, str] = {}
    pages = {"options.md": "\n".join(_options())}
    for name in MODULES:
        pages[f"api/{name}.md"] = "\n".join(_module(importlib.import_module(name), seen))
    for name, text in pages.items():
        if not (folder / name).exists() or (folder / name).read_text() != text:
            (folder / name).write_text(text)


# -- options -----------------------------------------------------------------------------------------------------


def _options() -> Iterator[str]:
    yield "# Options\n\nMade of the source. `ddtrain train --help` shows the same, with the defaults of a recipe.\n"
    for section, value in vars(Config()).items():
        part = next((base for base in PARTS.values() if isinstance(value, base)), None)
        about = (inspect.getdoc(type(value)) or "").split("\n")[0]
        if part is not None:
            about = f"What all of them have, then each one's own; `--list {part.kind}` names them."
        yield f"## {section}\n\n{_roles(about)}\n"
        yield from _fields(section, value, of=part)
        for name, chosen in sorted(part.parts.items()) if part else ():
            yield f"### {section}: {name}\n\n{chosen.about()}\n"
            yield from _fields(section, chosen(), without=part)
    yield "## model\n\nThe recipe's own.\n"
    for name, recipe in RECIPES.items():
        if hasattr(recipe.config, "model"):
            yield f"### model: {name}\n\n{recipe.about}\n"
            yield from _fields("model", recipe.config.model)


def _fields(section: str, value: Any, of: type[Part] | None = None, without: type[Part] | None = None) -> Iterator[str]:
    """An item a field: all, those that a kind of parts has in common, or those that one part has beside them."""
    common = (of or without).options() if of or without else []
    texts = explanations(type(value))
    for name, default in vars(value).items():
        if (of and name not in common) or (without and name in common) or name.startswith("_"):
            continue
        if tables.is_section(default):
            yield from _fields(f"{section}.{name}", default)
            continue
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        told = f" (default: `{shown}`)" if str(shown) else ""
        lines = _roles(
            re.sub(r"(?<=.{90})\n", " ", texts.get(name, ""))
        ).splitlines()  # a full line goes on in the next
        yield f"- `{tables.option(f'{section}.{name}')}`{told}" + (f": {lines[0]}" if len(lines) == 1 else "")
        yield from (f"  - {line}" for line in lines if len(lines) > 1)
    yield ""


# -- API ---------------------------------------------------------------------------------------------------------


def _module(module: ModuleType, seen: dict[int, str]) -> Iterator[str]:
    """A module's docstring, and all that it makes public."""
    yield f"# {module.__name__}\n\n{_markdown(inspect.getdoc(module) or '')}\n"
    for name in _public(module):
        thing = getattr(module, name)
        full = f"{module.__name__}.{name}"
        if inspect.ismodule(thing):
            continue
        if id(thing) in seen:
            yield f"## {name}\n\nSee {{py:obj}}`{seen[id(thing)]}`.\n"
        elif inspect.isclass(thing) or callable(thing):
            seen[id(thing)] = full
            yield f"## {name}\n"
            yield from _directive("class" if inspect.isclass(thing) else "function", full, thing)


def _public(module: ModuleType) -> list[str]:
    own = [n for n, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__ and n[0] != "_"]
    return list(getattr(module, "__all__", own))


def _directive(kind: str, full: str, thing: Any) -> Iterator[str]:
    yield f"::::{{py:{kind}}} {full}{_signature(thing)}"
    yield f"\n{_markdown(inspect.getdoc(thing) or '')}\n"
    for name, member in vars(thing).items() if kind == "class" else ():
        inner = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(inner) and inner.__doc__:
            yield f":::{{py:method}} {name}{_signature(inner)}\n\n{_markdown(inspect.getdoc(inner) or '')}\n:::\n"
    yield "::::\n"


def _signature(thing: Any) -> str:
    """The parameters, without types, which the text explains."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "(...)"
    plain = [
        p.replace(annotation=inspect.Parameter.empty, default=_default(p.default))
        for p in found.parameters.values()
        if p.name != "self"
    ]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


class _Shown:
    """A default as it is written in the signature."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return value
    text = getattr(value, "__name__", None) or repr(value)
    return _Shown(text if len(text) < 40 and "<" not in text and " at 0x" not in text else "...")


# -- docstrings --------------------------------------------------------------------------------------------------


def _markdown(text: str) -> str:
    """A docstring in NumPy's style and reStructuredText's literals as Markdown."""
    head, *sections = _SECTION.split(text)
    parts = [_plain(head)]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        items = title in ("Parameters", "Attributes", "Raises")
        parts.append(f"**{title}**\n\n{_items(body) if items else _plain(body)}")
    return "\n\n".join(part for part in parts if part.strip())


def _items(body: str) -> str:
    """What stands as ``name : text`` with an indented rest, as a list; an example below it as such."""

    def item(found: re.Match[str]) -> str:
        rest = " ".join(line.strip() for line in found[2].splitlines() if line.strip())
        return f"- **{_roles(found[1])}**: {_roles(rest)}\n"

    blocks = re.split(r"\n{2,}", body.strip("\n"))
    return "\n\n".join(_block(block) if ">>>" in block else _ITEM.sub(item, block) for block in blocks)


def _plain(text: str) -> str:
    """Paragraphs; what is indented is shown as it stands, and so are examples."""
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    if block.lstrip().startswith(">>>"):
        return f"```python\n{inspect.cleandoc(block)}\n```"
    if block.startswith("    "):
        return f"```text\n{block}\n```"
    return _roles(re.sub(r"::$", ":", block))


def _roles(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return re.sub(r"`[^`]*`|[<*_\[]", lambda m: m[0] if len(m[0]) > 1 else "\\" + m[0], text)
