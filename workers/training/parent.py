"""Ends this process when the one that started it is gone, so that no run goes on unseen."""

import ctypes
import os
import signal
import sys

PARENT = "CULTIVAR_TRAIN_PARENT"
_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def end_with_parent() -> None:
    """Ask the kernel to end us with our supervisor; does nothing when run from a shell."""
    parent = os.environ.get(PARENT)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)  # it went before we could ask
