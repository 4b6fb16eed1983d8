"""The search: spaces, proposals, the loop around Optuna, worker processes. Optuna is imported on first use of what needs it."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "interrupt": ("Interrupted", "interruptible", "stoppable", "undisturbed"),
        "options": ("FailureLimits", "SearchOptions", "available_cores"),
        "seeds": ("derive", "training_seed"),
        "start": ("run",),
        "tasks": ("run_tasks",),
        "record.changes": ("differences",),
        "record.earlier": ("Earlier",),
        "record.lock": ("StudyLock", "holder"),
        "record.row": ("Row", "saved", "trial_folder"),
        "record.snapshot": ("Stored", "stored"),
        "space.balance": ("Balance",),
        "space.candidate": ("Candidate", "Space"),
        "space.locating": ("Location", "Miss", "locate"),
        "space.proposals": ("Proposals",),
        "space.solve": ("Solution", "Solver"),
        "space.space": ("SearchSpace",),
        "work.pulse": ("Beat", "Pulse"),
        "work.result": ("Result", "adopt", "read"),
        "work.task": ("Evaluate", "Stopped", "Task"),
        "work.workers": ("Workers",),
    },
)
