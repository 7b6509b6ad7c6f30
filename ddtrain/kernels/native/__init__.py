"""Compiled twins of kernels: C with the compiler's vector extensions, made on first use, for the machine it runs on.

``compiler`` finds the system's C compiler, ``cache`` keeps what it made, ``library`` loads one family and binds its
functions, ``twins`` checks every twin once against its reference. Then ``families/``, a module a family, of the
reference's name, with its C in ``sources/``. ``sources/simd.h`` says what C code here looks like.

``DDTRAIN_KERNELS=reference`` leaves all of it out. Without a compiler, a cache or a family that compiles the
references do the work, and :func:`lost` says why.

To add a twin: ``@accelerated`` on the reference, a function of its name in ``native/families/FAMILY.py`` with
``@twin``, its C in ``sources/FAMILY.c``, and examples, by which it is checked here and in ``tests/kernels/native``.
"""

from ddtrain.kernels.native.library import Library, in_use, lost, prepare, wanted
from ddtrain.kernels.native.twins import TWINS

__all__ = ["TWINS", "Library", "in_use", "lost", "prepare", "wanted"]
