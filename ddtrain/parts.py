"""Parts that a run picks by name, such as optimizers: each a frozen dataclass of its own options.

A *kind* of parts is a base class; its parts are subclasses, entered by ``@register``. The section of a configuration
holds a part, so that it has the options of that part and no others. A user's own part is entered in the same way, and
has the command line, the checkpoints and the tests of the others.

>>> @dataclass(frozen=True)
... class Fruit(Part, kind="fruit", default="apple"):
...     name: str = ""
>>> @register
... @dataclass(frozen=True)
... class Apple(Fruit):
...     "Grows on trees."
...     name: str = "apple"
...     "Which fruit."
...     weight: float = 0.1
...     "Kilograms."
>>> Fruit(name="apple", weight=0.2)
Apple(name='apple', weight=0.2)
>>> Fruit(name="aple")
Traceback (most recent call last):
ddtrain.errors.UsageError: --fruit.name 'aple' is not known
  Did you mean apple? There is apple.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from ddtrain.errors import UsageError, quoted
from ddtrain.suggestions import did_you_mean

Range = tuple[str, bool, str]  # (option, whether its value is allowed, which values are allowed)


@dataclass(frozen=True)
class Part:
    """The base of all kinds. ``Kind(name="x", ...)`` makes the part of that name.

    Attributes
    ----------
    kind : the section of the configuration
    default : the name of the part that stands where none is named
    parts : of this kind, by name
    """

    kind: ClassVar[str]
    default: ClassVar[str]
    parts: ClassVar[dict[str, type[Any]]]
    name: str = ""

    def __init_subclass__(cls, kind: str = "", default: str = "") -> None:
        if kind:
            cls.kind, cls.default, cls.parts = kind, default, {}

    def __new__(cls, *args: Any, **options: Any) -> Any:
        if "parts" not in cls.__dict__:  # cls is a part; only a kind, such as Optim, has ``parts`` of its own
            return object.__new__(cls)
        chosen = cls.named(args[0] if args else options.get("name", cls.default))
        for option in options:
            if option not in chosen.options():
                raise chosen.unknown(option)
        return object.__new__(chosen)

    @classmethod
    def named(cls, name: str) -> type[Any]:
        """The class of the part of that name.

        Raises
        ------
        UsageError : there is none, with the nearest
        """
        if name not in cls.parts:
            hint = did_you_mean(name, cls.parts)
            raise UsageError(
                f"--{cls.kind}.name {quoted(name)} is not known",
                remedy=f"{hint} There is {', '.join(cls.parts)}.".lstrip(),
            )
        return cls.parts[name]

    @classmethod
    def options(cls) -> list[str]:
        """The names of this part's options."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def having(cls, option: str) -> list[str]:
        """The parts of this kind that have an option."""
        return [name for name, part in cls.parts.items() if option in part.options()]

    @classmethod
    def unknown(cls, option: str) -> UsageError:
        """The error for an option that this part has not, naming those that have it."""
        name = next(field.default for field in dataclasses.fields(cls) if field.name == "name")
        spelled = f"--{cls.kind}.{option.replace('_', '-')}"
        return UsageError(f"{spelled} is no option of {name}", remedy=cls.whose(option, cls.options()))

    @classmethod
    def whose(cls, option: str, own: Sequence[str]) -> str:
        """The parts that have an option which this one has not; if none has, the nearest of this one's own, or all."""
        others = cls.having(option)
        if others:
            return f"It belongs to {', '.join(others)}."
        return did_you_mean(option, own) or f"It has {', '.join(own) or 'none'}."

    @classmethod
    def about(cls) -> str:
        """The first line of the documentation, without marks of references."""
        return plain((cls.__doc__ or "").strip().split("\n")[0])

    def ranges(self) -> Iterator[Range]:
        """Each option that has a range, whether its value is in it, and the range in words."""
        return iter(())


def plain(text: str) -> str:
    """A text of the documentation as a terminal shows it.

    >>> plain("Labels, see :func:`hinge` and :class:`ddtrain.data.Whiten`.")
    'Labels, see hinge and Whiten.'
    """
    return re.sub(r":(?:func|class|meth|mod):`(?:[\w.]*\.)?(\w+)`", r"\1", text)


P = TypeVar("P", bound=type[Part])


def register(part: P) -> P:
    """Enter a part of its kind, under the default of its field ``name``.

    Raises
    ------
    UsageError : it is no frozen dataclass, or has no name of its own

    >>> from ddtrain.optim import Optim
    >>> @register
    ... @dataclass(frozen=True)
    ... class SignSgd(Optim):
    ...     name: str = "sign_sgd_of_an_example"
    ...
    ...     def vectors(self):
    ...         return ()
    ...
    ...     def update_(self, values, grads, state, *, lr, scale, count):
    ...         values -= lr * (grads > 0) - lr * (grads < 0)
    >>> Optim(name="sign_sgd_of_an_example", lr=0.5)
    SignSgd(name='sign_sgd_of_an_example', lr=0.5, groups=())
    >>> del Optim.parts["sign_sgd_of_an_example"]
    """
    fields = {field.name: field for field in dataclasses.fields(part)} if dataclasses.is_dataclass(part) else {}
    name = getattr(fields.get("name"), "default", "")
    frozen = getattr(getattr(part, "__dataclass_params__", None), "frozen", False)
    if "__dataclass_params__" not in part.__dict__ or not frozen or not isinstance(name, str) or not name:
        raise UsageError(
            f"register: {part.__name__} is no frozen dataclass with a name of its own",
            remedy='Write @register, @dataclass(frozen=True), and a first field name: str = "mine".',
        )
    if part.parts.get(name, part).__qualname__ != part.__qualname__:
        raise UsageError(f"register: there is a {part.kind} of the name {name!r} already", remedy="Give it another.")
    others = {known: other for known, other in part.parts.items() if known != name}
    part.parts.clear()
    # put the default first
    part.parts.update({name: part, **others} if name == part.default else {**others, name: part})
    return part
