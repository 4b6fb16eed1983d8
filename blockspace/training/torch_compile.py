"""torch.compile for the training steps of a network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from blockspace.errors import BlockspaceError, error


def compile_forward(module: nn.Module, how: bool | str) -> Callable[[Tensor], Tensor]:
    """Return the module's call, compiled where `how` is true or a mode of torch.compile's. Nothing is compiled before the first batch."""
    if not how:
        return module.__call__
    compiled: Callable[[Tensor], Tensor] = torch.compile(module, mode=None if how is True else how).__call__  # type: ignore[operator]
    return compiled  # torch types the module that it makes as a function


def require_compiler(device: torch.device) -> None:
    """Check that a CPU has the C++ compiler that torch.compile needs. Raises BlockspaceError (E-COMPILE)."""
    if device.type != "cpu":
        return
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError):
        raise make_compile_error("no C++ compiler was found") from None


def make_compile_error(reason: str) -> BlockspaceError:
    """Return the error (E-COMPILE) for this reason."""
    return error("E-COMPILE", f"torch.compile: {reason}", help="apt-get install g++, or leave out train.compile")


def translate_compile_error(reason: BaseException) -> BlockspaceError | None:
    """Return a one-line error (E-COMPILE) for what torch's compiler raised; None for another exception."""
    if not type(reason).__module__.startswith(("torch._inductor", "torch._dynamo")):
        return None
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    return make_compile_error(lines[0] if lines else type(reason).__name__)
