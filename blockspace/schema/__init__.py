"""JSON Schema (draft 2020-12) of the files people write, generated from the code: an editor completes, explains and checks with it.

A schema sees structure: keys, operations, settings, words. What needs values or names (an expression's result, whether channels divide, a
param that was never declared) is for `blockspace check`. The three schemas are kept beside this file, where a file's first line,
`# yaml-language-server: $schema=...`, finds them; `python -m blockspace.schema` writes them anew.
"""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "kinds": ("KINDS", "modeline", "schema", "stored", "text"),
        "meanings": ("CHANNEL_NAMES", "DEFAULTS_MEAN", "FILE_KEYS", "FUNCTIONS_MEAN", "PARAM_KEYS", "SETTINGS", "STEP_KEYS_MEAN"),
        "study": ("AsWritten",),
        "operations": ("pattern_words", "setting_rows"),
    },
)
