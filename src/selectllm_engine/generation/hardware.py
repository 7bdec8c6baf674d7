"""The hardware that an engine computes on, in words for the record: models, nothing that names the machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cores", "cpu_name", "gpu_name"]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's model and cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform

        name = platform.machine()
    return f"{name}, {cores()} cores"


def gpu_name() -> str:
    """The models of the GPUs that this process sees."""
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ", ".join(names)
