"""answer.json: an answer for programs, and back."""

from __future__ import annotations

import json
from dataclasses import asdict

from blockspace.reporting.answer import Answer, Difference, Row
from blockspace.reporting.bootstrap import Interval

FORMAT = "blockspace/answer/1"


def answer_json(answer: Answer) -> str:
    """The rows and differences with every field, and each difference's sentence. Accuracies in 0..1, log-losses in nats."""
    content = {"format": FORMAT, "sentences": answer.sentences(), **asdict(answer)}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def read_answer(text: str) -> Answer:
    """The answer that `answer_json` wrote. Raises ValueError for anything else."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, expected {FORMAT!r}")
        differences, against = (tuple(map(difference, content[name])) for name in ("differences", "against_baseline"))
        return Answer(tuple(Row(**row) for row in content["rows"]), differences, against, content["images"])
    except (KeyError, TypeError, AttributeError) as reason:
        raise ValueError(f"not an answer: {reason!r}") from reason


def difference(content: dict) -> Difference:
    intervals = {name: Interval(**content[name]) for name in ("accuracy", "log_loss")}
    return Difference(**(content | intervals))
