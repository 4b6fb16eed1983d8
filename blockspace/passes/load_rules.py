"""Rules of the user's own, from a Python file that makes them with `rule` as the package's files do."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from blockspace.errors import BlockspaceError, error
from blockspace.passes.rule import RULES, Rule


def load_rules(path: str | Path) -> list[Rule]:
    """Return the rules of a file, in the order written. The file is run; its rules join no pipeline by themselves: hand them to `rewrite`.

    They are not proven by being read: `blockspace.compiler.load_proven_rules` does both. Raises BlockspaceError (E-FILE, E-RULE).
    """
    known = dict(RULES)
    spec = spec_from_file_location(f"rules_of_{Path(path).stem}", path)
    try:
        if spec is None or spec.loader is None:
            raise error("E-FILE", f"{path} is no Python file")
        spec.loader.exec_module(module_from_spec(spec))
        found = [rule for name, rule in RULES.items() if name not in known]
    except (BlockspaceError, OSError) as reason:
        raise reason if isinstance(reason, BlockspaceError) else error("E-FILE", f"cannot read rules from {path}: {reason}") from None
    except Exception as reason:
        raise error("E-RULE", f"{path}: {type(reason).__name__}: {reason}") from reason
    finally:
        RULES.clear()
        RULES.update(known)
    if not found:
        raise error("E-RULE", f"{path} makes no rule", help="write @rule(...) over a function, as the files of blockspace/passes/rules do")
    return found
