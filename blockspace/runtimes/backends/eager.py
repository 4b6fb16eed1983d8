"""PyTorch in eager mode, on the CPU."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import torch
from torch import nn

from blockspace.runtimes.runtime import Clock, register_runtime


class EagerRuntime:
    """The module as it is, called on the CPU in inference mode."""

    name = "eager"

    @contextmanager
    def prepare(self, module: nn.Module, example: torch.Tensor, threads: int) -> Iterator[Callable[[], object]]:
        """Yield a call of the module in eval and inference mode; its mode and the number of threads are restored."""
        training, before = module.training, torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            with torch.inference_mode():
                yield partial(module.eval(), example)
        finally:
            torch.set_num_threads(before)
            module.train(training)

    def clock(self, threads: int) -> Clock:
        """Return the CPU time of this thread, which stands still while other processes run; for several threads the wall clock."""
        return time.thread_time if threads == 1 else time.perf_counter

    def device(self) -> str:
        """Return the processor's name."""
        return _processor()


@cache
def _processor() -> str:
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
        return next(row.partition(":")[2].strip() for row in rows if row.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


register_runtime(EagerRuntime())
