"""The schema of study files, from the pydantic models that read them."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonRef

Schema = dict[str, Any]


class AsWritten(GenerateJsonSchema):
    """Pydantic's generator, for what people write: an alternative is its name or `{name: {settings}}`, and a section may be left empty.

    The units of numbers are in the schema of their fields (`blockspace.options.Measured`)."""

    def tagged_union_schema(self, schema: Any) -> Schema:
        """Return the schema of one of several `Choice` classes: the bare name if all settings have defaults, or the name with settings."""
        inner = {str(name): self.generate_inner(choice) for name, choice in schema["choices"].items()}
        bare = [name for name, choice in inner.items() if not set(self.resolved(choice).get("required", ())) - {"kind"}]
        settings = {name: {"anyOf": [choice, {"type": "null"}]} for name, choice in inner.items()}
        full = {"type": "object", "properties": settings, "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
        return {"anyOf": [*([{"enum": bare}] if bare else []), full]}

    def resolved(self, schema: Schema) -> Schema:
        """Return the schema that a `$ref` of the generator refers to."""
        name = self.json_to_defs_refs.get(JsonRef(schema.get("$ref", "")))
        return self.definitions.get(name, schema) if name else schema

    def model_schema(self, schema: Any) -> Schema:
        """Return the schema of a model without `kind`, which is the key above its settings."""
        found = super().model_schema(schema)
        if "const" in found.get("properties", {}).get("kind", {}):
            del found["properties"]["kind"]
            found["required"] = [key for key in found.get("required", []) if key != "kind"]
        if found.get("type") == "object":
            found["type"] = ["object", "null"]
        return found


def study_schema() -> Schema:
    """Return the schema of a study file."""
    from blockspace.study import StudyFile

    return StudyFile.model_json_schema(schema_generator=AsWritten) | {"type": "object"}
