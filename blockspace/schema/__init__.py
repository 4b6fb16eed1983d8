"""JSON Schema (draft 2020-12) of the files people write, generated from the code: an editor completes, explains and checks with it.

A schema sees structure: keys, operations, settings, words. What needs values or names (an expression's result, whether channels divide, a
param that was never declared) is for `blockspace check`. The three schemas are kept beside this file, where a file's first line,
`# yaml-language-server: $schema=...`, finds them; `python -m blockspace.schema` writes them anew.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
