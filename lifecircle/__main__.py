"""Run the command line: ``lifecircle``, or ``python -m lifecircle``."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it loads is no crash either."""
    try:
        from lifecircle import cli  # noqa: PLC0415 - loading takes part of a second

        cli.main()
    except KeyboardInterrupt:  # outside of what is done there
        sys.exit(130)


if __name__ == "__main__":
    main()
