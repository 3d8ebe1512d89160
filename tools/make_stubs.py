"""Writes flambeau/_C/*.pyi, the types of the extension, from the schemas of its ops.

Run it after adding or changing an op; `--check` says whether it was forgotten. It needs
the extension to be importable and nothing else: no device is opened.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from flambeau import _C

FOLDER = Path(__file__).resolve().parents[1] / "frontend" / "flambeau" / "_C"
SPACES = ("_ops", "_nn", "_linalg", "_fft", "_special")

# Names of types that methods of Tensor hide (Tensor.float is a method) get an alias.
TYPES = {
    "Tensor": "Tensor",
    "Operand": "Tensor | _Number",
    "Scalar": "_Number",
    "int": "_int",
    "float": "_float",
    "bool": "_bool",
    "str": "_str",
    "ScalarType": "_dtype",
    "Device": "_device | _str | _int",
    "Generator": "Generator",
    "Object": "Any",
}

IMPORTS = """from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeAlias, overload
"""

ALIASES = """
_int: TypeAlias = builtins.int
_float: TypeAlias = builtins.float
_bool: TypeAlias = builtins.bool
_str: TypeAlias = builtins.str
_Number: TypeAlias = _int | _float | _bool | builtins.complex
"""


def split(text: str) -> list[str]:
    """The parts between commas that are not inside brackets or quotes."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [p for p in [*parts, text[start:].strip()] if p]


def annotation(type_: str) -> str:
    """The Python type of a schema's argument type."""
    nullable = type_.endswith("?")
    type_ = type_.removesuffix("?")
    base, bracket, count = type_.partition("[")
    if bracket:
        items = annotation(base)
        text = f"Sequence[{items}]"
        if count != "]" or base == "int":
            text += f" | {items}"
    else:
        text = TYPES[base]
    return f"{text} | None" if nullable and text != "Any" else text


def keyword(name: str) -> str:
    """A name that Python can take; `from` is the only trouble so far."""
    return f"{name}_" if name in ("from", "lambda", "in") else name


def parameters(schema: str, method: bool) -> list[str]:
    """The parameters of a stub, `self` of a method included."""
    arguments = split(
        schema[schema.index("(") + 1 : schema.rindex(")", 0, schema.rindex("->"))]
    )
    out = ["self"] if method else []
    skip_first = method
    for argument in arguments:
        if argument == "*":
            out.append("*")
            continue
        left, equals, _ = argument.partition("=")
        type_, _, name = left.strip().rpartition(" ")
        type_ = "Object" if name in ("layout", "memory_format") else type_
        if skip_first:
            skip_first = False
            continue
        if name.startswith("_"):
            continue
        default = " = ..." if equals else ""
        # Functions take their first tensor by PyTorch's name for it.
        name = "input" if name == "self" else name
        out.append(f"{keyword(name)}: {annotation(type_.strip())}{default}")
    if (
        "out" not in [p.partition(":")[0] for p in out]
        and not method
        and gives_tensor(schema)
    ):
        out += [] if "*" in out else ["*"]
        out.append("out: Tensor | tuple[Tensor, ...] | None = ...")
    if "Device" in schema and "requires_grad" not in schema:
        out.append("requires_grad: _bool = ...")
    return out if out[-1:] != ["*"] else out[:-1]


def gives_tensor(schema: str) -> bool:
    """Whether the first result is a tensor."""
    return schema[schema.rindex("->") + 2 :].strip(" (").startswith("Tensor")


def result(schema: str) -> str:
    """The Python type of a schema's results."""
    text = schema[schema.rindex("->") + 2 :].strip()
    if not text.startswith("("):
        kind = text.partition(" ")[0]
        return "tuple[Tensor, ...]" if kind == "Tensor[]" else annotation(kind)
    kinds = [item.partition(" ")[0] for item in split(text[1:-1])]
    if not kinds:
        return "None"
    return (
        f"Any  # {text}"
        if len(kinds) > 1 and " " in split(text[1:-1])[0]
        else ("tuple[" + ", ".join(annotation(k) for k in kinds) + "]")
    )


def function(name: str, schemas: tuple[str, ...], method: bool) -> list[str]:
    """The lines of one callable, an overload for each schema that differs."""
    forms = []
    for schema in schemas:
        given = parameters(schema, method)
        forms.append((given, result(schema)))
        sizes = 1 if method else 0
        if len(given) > sizes and given[sizes].partition(": ")[2].startswith(
            "Sequence[_int]"
        ):
            # view(2, 3) for view((2, 3))
            rest = [p for p in given[sizes + 1 :] if p != "*" and "=" in p]
            forms.append(([*given[:sizes], "*sizes: _int", *rest], result(schema)))
    unique = list(dict.fromkeys((", ".join(p), r) for p, r in forms))
    lines = []
    for given, answer in unique:
        if len(unique) > 1:
            lines.append("@overload")
        kind, _, comment = answer.partition("  # ")
        lines.append(
            f"def {name}({given}) -> {kind}: ...{f'  # {comment}' if comment else ''}"
        )
    return lines


def is_op(value: object) -> bool:
    """Whether a value is a callable made from op records."""
    return hasattr(type(value), "_schemas")


def space_stub(space: str) -> str:
    """The stub of one submodule of functions."""
    module = getattr(_C, space)
    lines = [
        f'"""Types of the functions in flambeau._C.{space}; made by make_stubs.py."""',
        IMPORTS,
    ]
    lines += [
        "from . import Generator, Tensor, _Number, _bool, _float, _int, _str",
        "from . import device as _device",
        "from . import dtype as _dtype",
        "",
    ]
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if is_op(value):
            lines += function(name, value._schemas, method=False)
    return "\n".join(lines) + "\n"


# Methods that are not ops, and what they give.
RESULTS = {
    **dict.fromkeys(("dim", "element_size", "get_device", "numel"), "_int"),
    **dict.fromkeys(("nelement", "ndimension", "storage_offset"), "_int"),
    **dict.fromkeys(("is_complex", "is_floating_point", "is_inference"), "_bool"),
    **dict.fromkeys(("is_shared", "is_signed"), "_bool"),
    **dict.fromkeys(("cpu", "cuda", "requires_grad_", "retain_grad_", "to"), "Tensor"),
    **dict.fromkeys(("detach", "detach_", "share_memory_", "type_as"), "Tensor"),
    **dict.fromkeys(("new_tensor", "rename"), "Tensor"),
}
ATTRIBUTES = {
    "data": "Tensor",
    "device": "_device",
    "dtype": "_dtype",
    "grad": "Tensor | None",
    "grad_fn": "Any",
    "is_leaf": "_bool",
    "layout": "layout",
    "itemsize": "_int",
    "name": "_str | None",
    "nbytes": "_int",
    "ndim": "_int",
    "output_nr": "_int",
    "requires_grad": "_bool",
    "retains_grad": "_bool",
    "shape": "Size",
    **dict.fromkeys(("H", "T", "mH", "mT", "imag", "real"), "Tensor"),
}
UNARY = ("abs", "invert", "neg", "pos")
BINARY = (
    *("add", "and", "eq", "floordiv", "ge", "gt", "le", "lshift", "lt", "matmul"),
    *("mod", "mul", "ne", "or", "pow", "rshift", "sub", "truediv", "xor"),
)
REFLECTED = set(BINARY) - {"eq", "ge", "gt", "le", "lt", "ne"}
SPECIAL = {
    "__bool__": "(self) -> _bool",
    "__complex__": "(self) -> builtins.complex",
    "__contains__": "(self, item: object, /) -> _bool",
    "__float__": "(self) -> _float",
    "__getitem__": "(self, index: Any, /) -> Tensor",
    "__index__": "(self) -> _int",
    "__int__": "(self) -> _int",
    "__iter__": "(self) -> Iterator[Tensor]",
    "__len__": "(self) -> _int",
    "__setitem__": "(self, index: Any, value: Any, /) -> None",
}


def operators() -> list[str]:
    """The operators of Tensor."""
    lines = [f"def {name}{form}: ..." for name, form in SPECIAL.items()]
    lines += [f"def __{name}__(self) -> Tensor: ..." for name in UNARY]
    for name in BINARY:
        ignore = "  # type: ignore[override]" if name in ("eq", "ne") else ""
        for prefix in ("", "r", "i"):
            if prefix and name not in REFLECTED:
                continue
            answer = "Self" if prefix == "i" else "Tensor"
            lines.append(
                f"def __{prefix}{name}__(self, other: Any, /) -> {answer}: ...{ignore}"
            )
    return [*lines, "__hash__ = object.__hash__"]


def tensor_stub() -> list[str]:
    """The class Tensor: attributes, methods of op records, and the rest as Any."""
    lines = [
        "class Tensor:",
        "    def __init__(self, *args: Any, **kwargs: Any) -> None: ...",
    ]
    lines += [f"    {line}" for line in operators()]
    for name, value in sorted(vars(_C.Tensor).items()):
        if name.startswith("__"):
            continue
        if is_op(value):
            lines += [
                f"    {line}" for line in function(name, value._schemas, method=True)
            ]
        elif name in RESULTS:
            lines.append(
                f"    def {name}(self, *args: Any, **kwargs: Any) -> {RESULTS[name]}: "
                "..."
            )
        else:
            lines.append(f"    {name}: {ATTRIBUTES.get(name, 'Any')}")
    # The package adds methods written in Python by assignment.
    lines.append("    def __getattr__(self, name: _str) -> Any: ...")
    lines.append("    def __setattr__(self, name: _str, value: Any) -> None: ...")
    return lines


def class_stub(name: str, cls: type) -> list[str]:
    """A small class: its attributes and methods, untyped."""
    base = cls.__base__.__name__ if cls.__base__ not in (object, None) else ""
    bases = "(tuple[_int, ...])" if base == "tuple" else ""
    lines = [f"class {name}{bases}:"]
    lines.append("    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...")
    for attribute in sorted(vars(cls)):
        if not attribute.startswith("__"):
            lines.append(f"    {attribute}: Any")
        elif attribute in ("__call__", "__enter__", "__exit__"):
            lines.append(
                f"    def {attribute}(self, *args: Any, **kwargs: Any) -> Any: ..."
            )
    return lines


def module_stub() -> str:
    """The stub of flambeau._C itself."""
    lines = [
        '"""Types of the extension flambeau._C; made by make_stubs.py."""',
        IMPORTS,
    ]
    lines += ["from . import " + ", ".join(f"{s} as {s}" for s in SPACES), ALIASES]
    late = ["_dtype: TypeAlias = dtype", "_device: TypeAlias = device"]
    for name in sorted(vars(_C)):
        value = getattr(_C, name)
        if name.startswith("__") or name in SPACES or name == "Tensor":
            continue
        if isinstance(value, type):
            if issubclass(value, Exception):
                bases = ", ".join(b.__name__ for b in value.__bases__)
                lines.append(f"class {name}({bases}): ...")
            else:
                lines += class_stub(name, value)
        elif callable(value):
            lines.append(f"def {name}(*args: Any, **kwargs: Any) -> Any: ...")
        else:
            kind = type(value).__name__
            known = kind if kind in ("dtype", "layout", "memory_format") else "Any"
            lines.append(f"{name}: {known}")
    return "\n".join([*lines, *tensor_stub(), *late]) + "\n"


def formatted(text: str) -> str:
    """As `ruff format` has it, for the check that layout is decided by it."""
    command = ["ruff", "format", "--stdin-filename", "x.pyi", "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout


def main() -> int:
    """Write the stubs, or with --check compare them; 1 when one is out of date."""
    stubs = {
        "__init__": module_stub(),
        **{space: space_stub(space) for space in SPACES},
    }
    stale = []
    for name, text in stubs.items():
        path = FOLDER / f"{name}.pyi"
        new = formatted(text)
        if path.is_file() and path.read_text() == new:
            continue
        stale.append(path.name)
        if "--check" not in sys.argv:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(new)
    print(f"{len(stubs)} stubs, {len(stale)} changed {' '.join(stale)}".rstrip())
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
