"""The one kind of error whose text is meant for the person at the keyboard."""

import sys
from collections.abc import Callable


class Problem(Exception):
    """Something the person can mend; its text says what was expected, what came, what to do."""


def run(main: Callable[[], None]) -> None:
    """Run a stage: a `Problem` ends it with its sentence and status 1, Ctrl-C with status 130."""
    try:
        main()
    except Problem as problem:
        print(f"training: {problem}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\ntraining: stopped; the same command goes on from the last checkpoint.")
        sys.exit(130)
