"""The command `flambeau`: `flambeau doctor` says what is installed and what works."""

import sys


def main() -> int:
    """Run a subcommand; the process's exit status."""
    arguments = sys.argv[1:]
    if arguments != ["doctor"]:
        sys.stderr.write("usage: flambeau doctor\n")
        return 2
    import flambeau
    from flambeau import __config__, backends

    sys.stdout.write(__config__.show() + "\n" + backends.doctor() + "\n")
    sys.stdout.write(f"\ndefault device: {flambeau.get_default_device()}\n")
    return 0 if any(b.loaded for b in backends.installed()) else 1
