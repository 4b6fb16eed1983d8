"""Compiling: torch.compile for the training steps of one network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from blockspace.errors import BlockspaceError, error


def compiled(module: nn.Module, how: bool | str) -> Callable[[Tensor], Tensor]:
    """The module's call, compiled where `how` is true or a mode of torch.compile's. Nothing is compiled before the first batch."""
    if not how:
        return module.__call__
    made = torch.compile(module, mode=None if how is True else how)
    return made.__call__  # type: ignore[operator]  # torch types the module that it makes as a function


def check_compiler(device: torch.device) -> None:
    """A CPU needs a C++ compiler for torch.compile. Raises BlockspaceError (E-COMPILE)."""
    if device.type != "cpu":
        return
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError):
        raise not_compiled("no C++ compiler was found") from None


def not_compiled(reason: str) -> BlockspaceError:
    return error("E-COMPILE", f"torch.compile: {reason}", help="apt-get install g++, or leave out train.compile")


def compile_failure(reason: BaseException) -> BlockspaceError | None:
    """One line for what torch's compiler raised; None for what is not the compiler's."""
    if not type(reason).__module__.startswith(("torch._inductor", "torch._dynamo")):
        return None
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    return not_compiled(lines[0] if lines else type(reason).__name__)
