"""The command `flambeau`: `flambeau doctor` says what is installed and what works."""

import sys


def main() -> int:
    """Run a subcommand; the process's exit status."""
    arguments = sys.argv[1:]
    if arguments != ["doctor"]:
        sys.stderr.write("usage: flambeau doctor\n")
        return 2
    from flambeau import backends

    sys.stdout.write(backends.doctor() + "\n")
    return 0 if any(b.loaded for b in backends.installed()) else 1
