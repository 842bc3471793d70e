"""How a training process ends: one exit status for each way."""

from enum import IntEnum


class Ending(IntEnum):
    """Exit statuses of `python -m workers.training.train`; any other means that it was killed."""

    DONE = 0
    FAILED = 1
    STOPPED = 3  # as asked, with a checkpoint from which it can go on
    BAD_INPUT = 10
    NO_DEVICE = 11
    OUT_OF_MEMORY = 12
    DIVERGED = 13
