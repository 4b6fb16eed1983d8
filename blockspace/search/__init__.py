"""The search: spaces, proposals, the loop around Optuna, worker processes. Optuna is imported on first use of what needs it."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "balance": ("Balance",),
        "candidate": ("Candidate", "Space"),
        "earlier": ("Earlier",),
        "interrupt": ("Interrupted", "interruptible", "stoppable"),
        "changes": ("differences",),
        "locating": ("Location", "Miss", "locate"),
        "lock": ("StudyLock", "holder"),
        "start": ("run",),
        "proposals": ("Proposals",),
        "solve": ("Solution", "Solver"),
        "space": ("SearchSpace",),
        "options": ("FailureLimits", "SearchOptions", "available_cores"),
        "pulse": ("Beat", "Pulse"),
        "result": ("Result", "adopt", "read"),
        "row": ("Row", "saved", "trial_folder"),
        "snapshot": ("Stored", "stored"),
        "seeds": ("derive", "training_seed"),
        "task": ("Evaluate", "Task"),
        "tasks": ("run_tasks",),
        "workers": ("Workers",),
    },
)
