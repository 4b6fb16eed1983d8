"""mkdocs hook: `<!-- generated: NAME -->` in a page becomes the table NAME, made from the code when the site is built: never old."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

MARKER = re.compile(r"<!-- generated: ([a-z_]+)(?: ([\w.]+))? -->")


def on_page_markdown(markdown: str, **_) -> str:
    """mkdocs calls this for every page."""
    return MARKER.sub(lambda match: generated(match[1], match[2]), markdown)


def generated(name: str, argument: str | None = None) -> str:
    """The table called `name`."""
    return TABLES[name](argument) if argument else TABLES[name]()


def table(head: tuple[str, ...], rows: Iterable[tuple]) -> str:
    """A Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def code(text) -> str:
    return f"`{text}`" if str(text) else ""


# -- the grammar ---------------------------------------------------------------------------------------------------------------------------


def meanings(name: str) -> str:
    """One of the tables of words in `blockspace.schema`."""
    from blockspace import schema

    return table(("word", "meaning"), [(code(word), text) for word, text in getattr(schema, name.upper()).items()])


def windows() -> str:
    """Convolutions and pools, whose words hold their kernel's size."""
    from blockspace.blocks import syntax

    depthwise = [key for key in syntax.CONV_KEYS if key != "groups"]
    rows = [
        ("`convKxL`", syntax.CONV_KEYS, "convolution, then norm and activation; the main argument is `out`"),
        ("`dwconvKxL`", depthwise, "one group per channel; `out` is `same` unless given"),
        ("`conv`, `dwconv`", ("k", *syntax.CONV_KEYS), "the same with the kernel as a setting"),
        ("`maxpoolKxL`", syntax.POOL_KEYS[:3], "maximum over the window"),
        ("`avgpoolKxL`", syntax.POOL_KEYS, "mean over the window"),
        ("`norm`", syntax.NORM_KEYS, "a norm by itself"),
        ("`shortcut`", syntax.SHORTCUT_KEYS, "the value itself where shape and channels agree, else convolution 1x1 and norm"),
        ("`global_avgpool`", (), "the mean over space"),
    ]
    return table(("operation", "settings", "what it is"), [(word, ", ".join(map(code, keys)), text) for word, keys, text in rows])


def operations() -> str:
    """Every other operation of the registry, with its settings and their defaults."""
    from blockspace.blocks import syntax
    from blockspace.ops import OPS
    from blockspace.schema import setting_rows

    def settings(name: str) -> str:
        if name in syntax.MERGES:
            return "the values it merges"
        return ", ".join(code(key if not default else f"{key}: {default}") for key, default in setting_rows(name))

    names = [name for name in sorted(OPS) if name in syntax.SIMPLE or name in syntax.MERGES]
    return table(("operation", "settings", "what it is"), [(code(name), settings(name), first_line(OPS[name])) for name in names])


def first_line(thing) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def value_words() -> str:
    """The words that stand for values, by what they are for."""
    from blockspace.blocks import syntax

    groups = {
        "activations": syntax.ACTIVATIONS,
        "norms": syntax.NORMS,
        "merges": syntax.MERGES,
        "orders": syntax.ORDERS,
        "others": syntax.VALUE_WORDS,
    }
    return table(("for", "words"), [(kind, ", ".join(map(code, sorted(some)))) for kind, some in groups.items()])


def likely() -> str:
    """Likely guesses, and the word to write instead."""
    from blockspace.blocks import syntax

    right: dict[str, list[str]] = {}
    for guess, word in syntax.LIKELY.items():
        right.setdefault(word, []).append(guess)
    return table(("write", "not"), [(code(word), ", ".join(map(code, some))) for word, some in sorted(right.items())])


def errors() -> str:
    from blockspace.errors import CODES

    return table(("code", "means"), [(code(name), text) for name, text in CODES.items()])


# -- studies, commands --------------------------------------------------------------------------------------------------------------------


def options(model: str) -> str:
    """The keys of one model of a study file: what it takes, its default, what it means."""
    rows = [(code(key), takes(found), default(found), found.get("description", "")) for key, found in properties(model).items()]
    return table(("key", "takes", "default", "meaning"), rows)


def other_settings() -> str:
    """The sections of settings that docs/study.md does not show by name."""
    shown = set(re.findall(r"generated: options (\w+)", (Path(__file__).parent / "study.md").read_text(encoding="utf-8")))
    unions = [choices(found) for about in definitions().values() for found in about.get("properties", {}).values()]
    shown |= {target(one) for union in unions for one in union.values()}
    left = {name: about for name, about in definitions().items() if name not in shown and about.get("properties")}
    texts = [f"### {name} {{ #{name.lower()} }}\n\n{about.get('description', '')}\n\n{options(name)}" for name, about in left.items()]
    return "\n\n".join(texts)


def model(path: str) -> str:
    """The keys of a pydantic model that the study's schema does not hold, by its import path."""
    from importlib import import_module

    from blockspace.schema import AsWritten

    module, _, name = path.rpartition(".")
    found = getattr(import_module(module), name).model_json_schema(schema_generator=AsWritten)["properties"]
    return table(
        ("key", "takes", "default", "meaning"), [(code(k), takes(v), default(v), v.get("description", "")) for k, v in found.items()]
    )


def alternatives(path: str) -> str:
    """The alternatives of a key such as `Recipe.optimizer`, each with its settings and their defaults."""
    model, _, key = path.partition(".")
    rows = []
    for name, found in choices(properties(model)[key]).items():
        inner = definitions()[target(found)]
        settings = [f"{setting}: {default(about).strip('`') or '?'}" for setting, about in inner.get("properties", {}).items()]
        rows.append((code(name), ", ".join(map(code, settings)), inner.get("description", "").partition("\n")[0]))
    return table(("name", "settings and defaults", "what it is"), rows)


def definitions() -> dict:
    """The models of a study file by name, `StudyFile` among them."""
    from blockspace.schema import schema

    found = schema("study")
    return found["$defs"] | {"StudyFile": found}


def properties(model: str) -> dict:
    return definitions()[model]["properties"]


def target(found: dict) -> str:
    """The model that a schema refers to, itself or in one of its alternatives; empty when there is none."""
    if "$ref" in found:
        return found["$ref"].rpartition("/")[2]
    inner = [*found.get("anyOf", ()), *found.get("allOf", ())]
    return next((name for one in inner if (name := target(one))), "")


def choices(found: dict) -> dict:
    """Name -> schema of a union written as `{name: {settings}}`, wherever in `found` it stands."""
    if found.get("maxProperties") == 1:
        return found["properties"]
    inner = [*found.get("anyOf", ()), *([found["items"]] if isinstance(found.get("items"), dict) else [])]
    return next((some for one in inner if (some := choices(one))), {})


def takes(found: dict) -> str:
    """What a key takes, in words."""
    if some := choices(found):
        listed = "a list of " * (found.get("type") == "array" or any(one.get("type") == "array" for one in found.get("anyOf", ())))
        return listed + ", ".join(map(code, some)) if len(some) <= 8 else f"{listed}one of {len(some)} names"
    if "enum" in found or "const" in found:
        return ", ".join(map(code, found.get("enum", [found.get("const")])))
    if name := target(found):
        return f"[settings](#{name.lower()})"
    if "anyOf" in found:
        kinds = [takes(one) for one in found["anyOf"] if not ("pattern" in one and one.get("type") == "string")]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    return PLAIN.get(found.get("type", ""), "") + bounds(found)


PLAIN = {"integer": "integer", "number": "number", "boolean": "true, false", "string": "text", "array": "list", "object": "mapping"}
SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
FAR = 10_000  # limits beyond this only keep out what is surely a slip


def bounds(found: dict) -> str:
    """The range of a number, as far as anybody would reach its end."""
    return "".join(f", {sign} {found[key]:g}" for key, sign in SIGNS.items() if key in found and found[key] < FAR)


def default(found: dict) -> str:
    """A default as it would be written; empty where there is none, or where it is a section of its own."""
    value = found.get("default")
    if value is None or (isinstance(value, dict) and len(value) != 1):
        return ""
    return code(written(value))


def written(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(value) if all(isinstance(v, dict) for v in value.values()) else ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, list):
        return f"[{', '.join(written(v) for v in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def commands() -> str:
    """Every command with its options, as its `--help` says."""
    import typer

    from blockspace.cli.app import build_app

    group = typer.main.get_command(build_app())
    texts = []
    for name, command in sorted(group.commands.items()):
        with command.make_context(f"blockspace {name}", [], resilient_parsing=True, max_content_width=100, terminal_width=100) as context:
            texts.append(f"## blockspace {name}\n\n```text\n{command.get_help(context).strip()}\n```")
    return "\n\n".join(texts)


def executions() -> str:
    """Every kind of foreign code: how it is named, what runs, and which commands and functions may run it."""
    from blockspace.executions import EXECUTIONS

    rows = [(one.written, one.runs, ", ".join(map(code, (*one.commands, *one.calls)))) for one in EXECUTIONS.values()]
    return table(("what", "executes", "run by"), rows)


def reads() -> str:
    """What each command reads, and the kinds of foreign code that it may run."""
    from blockspace.executions import EXECUTIONS, READS

    rows = [(code(name), text, ", ".join(one.name for one in EXECUTIONS.values() if name in one.commands)) for name, text in READS.items()]
    return table(("command", "reads", "may execute"), rows)


def exit_codes() -> str:
    from blockspace import errors

    kinds = [errors.StorageError, errors.FailureError, errors.InfeasibleError, errors.ExportError]
    rows = [("0", "it is done"), ("2", "a mistake in what was asked; every one is named, with its place and the next step")] + [
        (str(kind.exit_code), first_line(kind)) for kind in kinds
    ]
    incomplete = "the study is answered, but something it asked for is missing: a family, a finalist, a seed; the answer names it. "
    incomplete += "Of `replay`: not everything can be compared here"
    rows.append((str(errors.INCOMPLETE), incomplete))
    return table(("code", "means"), [*rows, ("130, 143", "stopped by Ctrl-C, or by a request to end")])


def rules(pipeline: str = "canonical") -> str:
    """The rules of a pipeline in the order they run."""
    from blockspace.passes import pipeline_rules

    own = (rule for rule in pipeline_rules(pipeline) if rule.pipeline == pipeline)
    return table(("rule", "equation", "meaning"), ((code(rule.name), code(rule.equation), rule.doc) for rule in own))


TABLES = {
    function.__name__: function
    for function in (
        meanings,
        windows,
        operations,
        value_words,
        likely,
        errors,
        options,
        other_settings,
        model,
        alternatives,
        commands,
        executions,
        reads,
        exit_codes,
        rules,
    )
}
