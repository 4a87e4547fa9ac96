"""What compiled loops need of the machine and Python's operators cannot say: numba generates one instruction for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

Bytes = npt.NDArray[np.uint8]


@intrinsic
def _high_product(_context: Any, a: Any, b: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        narrow = arguments[0].type
        wide = type(narrow)(128)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        return builder.trunc(builder.lshr(product, wide(64)), narrow)

    return types.uint64(a, b), generate


@intrinsic
def _leading_zeros(_context: Any, number: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        is_zero_undefined = type(arguments[0].type)(1)(0)
        return builder.ctlz(arguments[0], is_zero_undefined)

    return types.uint64(number), generate


@intrinsic
def _load_word(_context: Any, source: Any, at: Any) -> Any:  # noqa: ARG001 — numba takes the arguments from here
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, arguments), align=1)

    return types.uint64(source, types.intp), generate


@intrinsic
def _store_word(_context: Any, out: Any, at: Any, word: Any) -> Any:  # noqa: ARG001 — as above
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _pointer(context, builder, signature, arguments), align=1)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.uint64), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    make_array: Any = arrayobj.make_array
    data = make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), context.get_value_type(types.uint64).as_pointer())


def _as_called(function: Any) -> Any:
    """An intrinsic as compiled code calls it, without the context that its definition takes."""
    return function


# Upper 64 bits of the product.
high_product: Final[Callable[[np.uint64, np.uint64], np.uint64]] = _as_called(_high_product)
# Zero bits above the highest one; 64 for 0.
leading_zeros: Final[Callable[[np.uint64], np.uint64]] = _as_called(_leading_zeros)
# Eight bytes at any place of a byte array, the first one lowest. Neither checks the place.
load_word: Final[Callable[[Bytes, int], np.uint64]] = _as_called(_load_word)
store_word: Final[Callable[[Bytes, int, np.uint64], None]] = _as_called(_store_word)
