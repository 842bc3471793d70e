"""How the novelty index's loops are compiled, and the one machine instruction they lack."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel) -> Kernel:
    """Compile on first call, keeping the machine code on disk if there is a place for it."""
    try:
        return cast(Kernel, numba.njit(cache=True)(kernel))
    except RuntimeError:  # numba found no writable directory
        return cast(Kernel, numba.njit(kernel))


def inlined(kernel: Kernel) -> Kernel:
    """Compile into each caller, so that passing arrays costs nothing."""
    return cast(Kernel, numba.njit(forceinline=True)(kernel))


@intrinsic
def _ones(_: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


# How many bits of a word are set: one machine instruction.
ones = cast(Callable[[Any], int], _ones)
# A word as a signed number, which numba may mix with other whole numbers.
whole = cast(Callable[[Any], int], np.int64)
