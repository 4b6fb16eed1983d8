"""The search: spaces, proposals, the loop around Optuna, worker processes. Optuna is imported on first use of what needs it."""

from importlib import import_module

_HOMES = {
    "candidate": ("Candidate", "Space"),
    "interrupt": ("Interrupted",),
    "lock": ("StudyLock",),
    "loop": ("run",),
    "proposals": ("Proposals",),
    "solve": ("Solution", "Solver"),
    "space": ("SearchSpace",),
    "options": ("FailureLimits", "SearchOptions", "available_cores"),
    "result": ("Result", "adopt", "read"),
    "row": ("Row", "trial_folder"),
    "seeds": ("derive", "training_seed"),
    "task": ("Evaluate", "Task"),
    "tasks": ("run_tasks",),
    "workers": ("Workers",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
