"""`python -m blockspace.study.make_keywords`: write `keywords.py` anew, the types of the keyword arguments of `search` and `train`.

To be run after a change of the options of a study, a search or a recipe: a test compares the file with what this module makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from blockspace.files import write_atomic
from blockspace.options import Choice, Measured, Options
from blockspace.searching import SearchOptions
from blockspace.study.study_file import StudyFile
from blockspace.training import Recipe, Switch

FILE = Path(__file__).with_name("keywords.py")
PATHS = ("space", "data", "out", "weights")  # keys whose text may be given as a `pathlib.Path`
LOOSE = {"augment": "Sequence[str | Mapping[str, object]]"}  # keys whose entries have names that only torchvision knows
HEAD = '''"""Types of the keyword arguments of `search` and `train`, made from the options they set; do not edit.

Written by `python -m blockspace.study.make_keywords`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict
'''


class KeywordsFile:
    """The text of `keywords.py`, one TypedDict after another, each after those that it mentions."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}

    def text(self) -> str:
        """Return the file's content."""
        self.options_type(Recipe)
        merged = {**StudyFile.model_fields, **SearchOptions.model_fields}
        doc = "Keyword arguments of `search`: the top-level keys of a study file, and the keys of its `search:` section by themselves."
        self.typed_dict("SearchKeywords", doc, merged)
        return HEAD + "".join(f"\n\n{body}" for body in self.classes.values())

    def typed_dict(self, name: str, doc: str, fields: Mapping[str, FieldInfo]) -> str:
        """Add a TypedDict of these fields and return its name."""
        rows = [f"    {key}: {self.field_type(key, field)}" for key, field in fields.items() if key not in ("kind", "format")]
        self.classes.setdefault(name, "\n".join([f"class {name}(TypedDict, total=False):", f'    """{doc}"""', "", *rows]) + "\n")
        return name

    def field_type(self, key: str, field: FieldInfo) -> str:
        """Return the type of a field, as Python source."""
        if key in LOOSE:
            return LOOSE[key]
        found = self.type_of(field.annotation)
        if Switch in field.metadata:  # `true` stands for the section with its defaults
            found = f"bool | {found}"
        if any(isinstance(one, Measured) and one.kind.units for one in field.metadata):
            found = found if "str" in found.split(" | ") else f"{found} | str"
        return found.replace("str", "str | PathLike[str]", 1) if key in PATHS else found

    def type_of(self, annotation: Any) -> str:
        """Return a type as Python source: options as TypedDicts, alternatives as their names or mappings of one key."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.type_of(arguments[0])
        if annotation in (None, NoneType):
            return "None"
        if annotation is Any:
            return "object"
        if isinstance(annotation, type) and origin is None:
            if issubclass(annotation, Choice):
                return self.choice_type(annotation)
            return self.options_type(annotation) if issubclass(annotation, Options) else annotation.__name__
        if origin is Literal:
            return f"Literal[{', '.join(_quoted(value) for value in arguments)}]"
        if origin in (Union, UnionType):
            return " | ".join(dict.fromkeys(self.type_of(argument) for argument in arguments))
        if origin in (list, tuple):
            return f"Sequence[{self.type_of(arguments[0])}]"
        if origin is dict:
            return f"Mapping[{self.type_of(arguments[0])}, {self.type_of(arguments[1])}]"
        raise TypeError(f"no keyword type for {annotation!r}")

    def options_type(self, model: type[Options]) -> str:
        """Return the name of the TypedDict of a section."""
        name = "SearchSection" if model is SearchOptions else model.__name__.removesuffix("Options")
        return self.typed_dict(f"{name}Keywords", f"Settings of `{model.__name__}`.", model.model_fields)

    def choice_type(self, model: type[Choice]) -> str:
        """Return the type of one alternative: its name, or `{name: {settings}}`."""
        kind = str(model.model_fields["kind"].default)
        settings = self.typed_dict(f"{model.__name__}Keywords", f"Settings of `{kind}`.", model.model_fields)
        name = f"{model.__name__}Choice"
        self.classes.setdefault(name, f'class {name}(TypedDict):\n    """`{kind}` with settings."""\n\n    {kind}: {settings}\n')
        return f"Literal[{_quoted(kind)}] | {name}"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def keywords_text() -> str:
    """Return the content that `keywords.py` should have."""
    return KeywordsFile().text()


if __name__ == "__main__":
    write_atomic(FILE, keywords_text())
    print(FILE)
