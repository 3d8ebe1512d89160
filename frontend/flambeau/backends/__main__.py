"""`python -m flambeau.backends`: the table of backends and what became of each."""

import sys

import flambeau.backends


def main() -> int:
    """Print the report; 0 when some device can be used, 1 when none can."""
    sys.stdout.write(flambeau.backends.doctor() + "\n")
    return 0 if any(b.loaded for b in flambeau.backends.installed()) else 1


if __name__ == "__main__":
    sys.exit(main())
