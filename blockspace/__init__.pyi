from .blocks import load as load
from .compiler import compile as compile
from .compiler import load_pretrained as load_pretrained
from .compiler import to_source as to_source
from .compiler import transplant as transplant
from .costs import Budget as Budget
from .costs import cost as cost
from .errors import BlockspaceError as BlockspaceError
from .graph import Graph as Graph
from .graph import from_nx as from_nx
from .passes import canonical as canonical
from .passes import deploy as deploy
from .study import export as export
from .study import search as search
from .study import train as train

__version__: str
