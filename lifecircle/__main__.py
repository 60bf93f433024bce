"""Run the command line: ``lifecircle``, or ``python -m lifecircle``."""

import contextlib
import os
import sys

_STOPPED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it loads is no crash either."""
    try:
        from lifecircle import cli  # noqa: PLC0415 - loading takes part of a second

        cli.main()
    except KeyboardInterrupt:  # outside of what is done there
        _stop()
    except SystemExit as left:
        if left.code == _STOPPED:
            _stop()
        raise


def _stop() -> None:
    """Leave at once: Python on its way out may take Ctrl-C for one that nobody heard, and end as killed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(_STOPPED)


if __name__ == "__main__":
    main()
