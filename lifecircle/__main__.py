"""Run the command line with ``python -m lifecircle``."""

from lifecircle.cli import main

main()
