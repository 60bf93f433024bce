"""What becomes of a process when the one that began it is killed?"""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait
from typing import Any


def end_with_parent() -> None:
    """End this process when the one that began it is killed: nobody waits for its work."""
    parent: Any = multiprocessing.parent_process()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
