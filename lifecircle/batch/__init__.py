"""How are many cities measured at once: by processes of this computer, or by a cluster?"""

from lifecircle.batch.batch import BATCH_FILES, BatchResult, run_batch
from lifecircle.batch.plan import Plan, Scenario, read_plan, tasks_of
from lifecircle.batch.processes import in_turn, local_processes
from lifecircle.batch.task import Choices, Outcome, Task, measure

__all__ = [
    "BATCH_FILES",
    "BatchResult",
    "Choices",
    "Outcome",
    "Plan",
    "Scenario",
    "Task",
    "in_turn",
    "local_processes",
    "measure",
    "read_plan",
    "run_batch",
    "tasks_of",
]
