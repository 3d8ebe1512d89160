"""What a data type is in OpenCL C: how it is stored, computed with, read and written.

A program is generated for the dtypes of one call. `defines("O", "bfloat16")` gives the
macros of one role: O_S the stored type, O_C the type to compute in, O_LD(p, i) an
element as O_C, O_ST(p, i, v) its writing from any number, O_OF and O_BITS from the
stored to the computed type and back.
"""

from __future__ import annotations

from typing import NamedTuple


class Dtype(NamedTuple):
    """One data type; `kind` is b, i or f, as the functor tables know them."""

    kind: str
    size: int
    stored: str
    computed: str
    load: str
    store: str
    value: str = "(v)"  # of stored bits
    bits: str = "(v)"  # of a computed value


_PLAIN = "((p)[i])"


def _number(kind: str, size: int, name: str) -> Dtype:
    # Floats go to small integers by way of int, so that they wrap as on a processor.
    cast = f"({name})(int)" if size < 4 else f"({name})"
    return Dtype(kind, size, name, name, _PLAIN, f"((p)[i] = {cast}(v))")


# The halves are stored as bits and computed with as floats. vload_half is in every
# OpenCL, whether or not the device has half arithmetic.
DTYPES: dict[str, Dtype] = {
    "bool": Dtype("b", 1, "uchar", "uchar", _PLAIN, "((p)[i] = (uchar)((v) != 0))"),
    "uint8": _number("i", 1, "uchar"),
    "int8": _number("i", 1, "char"),
    "int16": _number("i", 2, "short"),
    "int32": _number("i", 4, "int"),
    "int64": _number("i", 8, "long"),
    "float16": Dtype(
        "f", 2, "ushort", "float",
        "vload_half(i, (global const half*)(p))",
        "vstore_half_rte((float)(v), i, (global half*)(p))",
        "half_value(v)", "half_bits(v)",
    ),
    "bfloat16": Dtype(
        "f", 2, "ushort", "float",
        "as_float((uint)(p)[i] << 16)", "((p)[i] = to_bfloat16((float)(v)))",
        "as_float((uint)(v) << 16)", "to_bfloat16(v)",
    ),
    "float32": _number("f", 4, "float"),
    "float64": _number("f", 8, "double"),
}  # fmt: skip

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTS = ("uint8", "int8", "int16", "int32", "int64")
ALL = ("bool", *INTS, *FLOATS)

_LEAST = {
    "bool": "0", "uint8": "0", "int8": "CHAR_MIN", "int16": "SHRT_MIN",
    "int32": "INT_MIN", "int64": "LONG_MIN",
}  # fmt: skip
_LARGEST = {
    "bool": "1", "uint8": "UCHAR_MAX", "int8": "CHAR_MAX", "int16": "SHRT_MAX",
    "int32": "INT_MAX", "int64": "LONG_MAX",
}  # fmt: skip


def dtype(name: str) -> Dtype:
    """The record of a dtype; NotImplementedError when the device has no such."""
    found = DTYPES.get(name)
    if found is None:
        raise NotImplementedError(f"opencl: no kernels for {name}")
    return found


def accumulator(name: str) -> str:
    """The type in which sums are formed."""
    d = dtype(name)
    return d.computed if d.kind == "f" else "long"


def defines(role: str, name: str) -> str:
    """The macros of one role in a program."""
    d = dtype(name)
    return (
        f"#define {role}_S {d.stored}\n#define {role}_C {d.computed}\n"
        f"#define {role}_LD(p, i) {d.load}\n#define {role}_ST(p, i, v) {d.store}\n"
        f"#define {role}_OF(v) {d.value}\n#define {role}_BITS(v) {d.bits}\n"
        f"#define {role}_MIN {_LEAST.get(name, '-INFINITY')}\n"
        f"#define {role}_MAX {_LARGEST.get(name, 'INFINITY')}\n"
        f"#define {role}_ACC {accumulator(name)}\n"
    )
