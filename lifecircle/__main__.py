"""Run the command line: ``lifecircle``, or ``python -m lifecircle``."""

import contextlib
import os
import sys

_STOPPED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it loads is no crash either."""
    _open_what_is_closed()
    try:
        from lifecircle import cli  # noqa: PLC0415 - loading takes part of a second

        cli.main()
    except KeyboardInterrupt:  # outside of what is done there
        _stop()
    except SystemExit as left:
        if left.code == _STOPPED:
            _stop()
        raise


def _open_what_is_closed() -> None:
    """Let a stream that is closed (``2>&-``) lead nowhere.

    The next file to be opened would take its number, and what a library says there; and messages that have
    no place of their own would go among the data.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: its own
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - by number, for good


def _stop() -> None:
    """Leave at once: Python on its way out may take Ctrl-C for one that nobody heard, and end as killed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(_STOPPED)


if __name__ == "__main__":
    main()
