"""Lists the names in a pickle that ``load`` would refuse, without building anything."""

from __future__ import annotations

import pickletools

from .serialization_globals import Refused, find
from .serialization_unpickle import refuse


def unknown_names(data: memoryview, where: str) -> set[str]:
    """``module.name`` of every global that is not on the allow-list."""
    names: set[str] = set()
    texts: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(bytes(data)):
            if opcode.name == "GLOBAL":
                names.add(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
                names.add(".".join(texts[-2:]))
            elif isinstance(argument, str):
                texts.append(argument)
    except ValueError as error:
        refuse(where, 0, f"expected a pickle: {error}")
    return {name for name in names if not _known(name)}


def _known(path: str) -> bool:
    module, _, name = path.rpartition(".")
    try:
        find(module, name)
    except Refused:
        return False
    return True
