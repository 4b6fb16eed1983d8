"""`python -m blockspace.schema`: write the schemas beside this file anew.

To be run after a change of the grammar, the library, or the options of a study.
"""

from blockspace.files import write_atomic
from blockspace.schema import KINDS, schema_text, stored_path

for kind in KINDS:
    write_atomic(stored_path(kind), schema_text(kind))
    print(stored_path(kind))
