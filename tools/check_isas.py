"""Checks that a CPU backend runs on processors without AVX: outside of the namespaces
`avx2` and `avx512` no function may use their registers or encodings.

See Note [One definition, three instruction sets] in backends/cpu_mkl/CMakeLists.txt.
Takes a library that was not stripped and has no MKL linked in, and needs objdump.
"""

from __future__ import annotations

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
# Wide registers, or the three-operand encoding of narrow ones.
AVX = re.compile(r"%[yz]mm|\tv[a-z0-9]+ .*%xmm")
# The second form is a name that objdump cannot demangle: a template of lambdas.
ALLOWED = re.compile(r"\bavx(2|512)::|^_Z\w*(?:4avx2|6avx512)")


def offenders(library: str) -> tuple[int, list[str]]:
    """The number of functions, and those that need AVX and must not."""
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", library]
    found: dict[str, None] = {}
    count, name = 0, ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if match := FUNCTION.match(line):
                count, name = count + 1, match[1]
            elif AVX.search(line) and not ALLOWED.search(name):
                found[name] = None
    if process.returncode:
        raise RuntimeError(f"objdump failed on {library}")
    return count, list(found)


def main() -> int:
    """Print the functions that break the rule; 1 when there are any."""
    count, found = offenders(sys.argv[1])
    print("\n".join([*found, f"{count} functions, {len(found)} need AVX and must not"]))
    # A stripped library has a handful of symbols, and the check would pass for nothing.
    return 1 if found or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
