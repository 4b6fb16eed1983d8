from .blocks import load as load
from .compiler import compile as compile, load_pretrained as load_pretrained, to_source as to_source, transplant as transplant
from .costs import Budget as Budget, cost as cost
from .errors import BlockspaceError as BlockspaceError
from .graph import Graph as Graph, from_nx as from_nx
from .passes import canonical as canonical, deploy as deploy
from .study import export as export, replay as replay, search as search, train as train

__version__: str
