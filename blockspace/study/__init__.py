"""The top of the library: a study from its file to its answer, and the export of a network."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "question": ("ask", "Question"),
        "file": ("load_study", "Study", "StudyFile"),
        "run": ("search",),
        "rows": ("family_of", "front"),
        "outcome": ("Outcome", "as_json"),
        "reading": ("read_run", "write_report"),
        "rehearsal": ("rehearse", "report", "measured"),
        "handover": ("export", "resolve"),
        "doctor": ("diagnose",),
        "look": ("look_at",),
        "training": ("TrainingOptions",),
        "solo": ("Trained", "evaluate", "train"),
    },
)
