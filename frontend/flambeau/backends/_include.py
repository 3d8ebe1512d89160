"""Where the C header of the contract with devices lies."""

from __future__ import annotations

import os


def get_include() -> str:
    """The folder to give a compiler with -I, for `#include <flambeau/backend.h>`.

    RuntimeError when this installation has no headers.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = os.path.join(package, "..", "..", "core", "include")
    for folder in (os.path.join(package, "include"), os.path.normpath(checkout)):
        if os.path.isfile(os.path.join(folder, "flambeau", "backend.h")):
            return folder
    raise RuntimeError(f"get_include: this installation has no headers below {package}")
