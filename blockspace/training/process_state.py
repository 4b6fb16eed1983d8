"""Context managers around a training: no output of Lightning's, and no setting of the process changed when it is over."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

LOGGERS = (
    "lightning",
    "lightning.pytorch",
    "lightning.fabric",
    "lightning.pytorch.utilities.rank_zero",
    "lightning.fabric.utilities.rank_zero",
)


@contextmanager
def suppress_output() -> Iterator[None]:
    """Keep Lightning's notes, adverts and warnings back; errors are exceptions and get through."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning|torch")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def preserve_random_state() -> Iterator[None]:
    """Give the caller's random state back afterwards, on the CPU and on every GPU in use."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        yield


@contextmanager
def use_deterministic_algorithms() -> Iterator[None]:
    """Compute the same result for the same seed, where torch has a deterministic kernel; without filling new tensors, which costs time."""
    from torch.utils import deterministic

    settings: Any = deterministic  # a module of a class of its own, which has the attribute
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill, settings.fill_uninitialized_memory = settings.fill_uninitialized_memory, False
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        settings.fill_uninitialized_memory = fill


@contextmanager
def keep_keyboard_interrupt() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt.

    Lightning makes it SystemExit(1), which a caller's `except` would miss, and disarms the signal.
    """
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    except SystemExit as exit:
        if isinstance(exit.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if main and handler is not None:
            signal.signal(signal.SIGINT, handler)
