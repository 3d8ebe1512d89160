"""`python -m flambeau.backends`: the table of backends and what became of each;
`python -m flambeau.backends new NAME [--python] [DIR]`: the source of a new one."""

from __future__ import annotations

import sys

import flambeau.backends

USAGE = """\
usage: python -m flambeau.backends                          what is installed and works
       python -m flambeau.backends new NAME [--python] [DIR]
                                      write the source of a backend for device NAME
                                      into DIR (default: flambeau-NAME), in C++ or,
                                      with --python, in Python alone
"""


def main(arguments: list[str]) -> int:
    """Print the report: 0 when some device can be used, 1 when none can; or write a
    new backend."""
    if arguments == []:
        sys.stdout.write(flambeau.backends.doctor() + "\n")
        return 0 if any(b.loaded for b in flambeau.backends.installed()) else 1
    if arguments[0] == "new":
        return _new(arguments[1:])
    sys.stdout.write(USAGE)
    return 0 if arguments[0] in ("-h", "--help") else 2


def _new(arguments: list[str]) -> int:
    from flambeau.backends import _new

    words = [a for a in arguments if not a.startswith("-")]
    options = [a for a in arguments if a.startswith("-")]
    if not 1 <= len(words) <= 2 or set(options) - {"--python"}:
        sys.stderr.write(USAGE)
        return 2
    name, *rest = words
    folder = rest[0] if rest else f"flambeau-{name.replace('_', '-')}"
    try:
        files = _new.write(name, folder, python="--python" in options)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"new: {error}\n")
        return 1
    lines = [f"{folder}: a backend for device '{name}'", *(f"  {f}" for f in files)]
    lines += ["", f"Next: read {folder}/README.md, then run {folder}/ci.sh"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
