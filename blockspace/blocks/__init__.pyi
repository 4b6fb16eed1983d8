from . import syntax as syntax
from .expression import parse_number as parse_number
from .guided_expansion import GuidedExpansion as GuidedExpansion
from .guided_expansion import Mismatch as Mismatch
from .guided_expansion import NeedValue as NeedValue
from .guided_expansion import TargetGraph as TargetGraph
from .guided_expansion import find_used_holes as find_used_holes
from .holes import (
    Categorical as Categorical,
)
from .holes import (
    Hole as Hole,
)
from .holes import (
    Holes as Holes,
)
from .holes import (
    IntRange as IntRange,
)
from .holes import (
    Token as Token,
)
from .holes import (
    Unknown as Unknown,
)
from .holes import (
    format_token as format_token,
)
from .holes import (
    parse_domain as parse_domain,
)
from .library_files import find_file as find_file
from .library_files import list_families as list_families
from .library_files import list_library_files as list_library_files
from .library_files import list_names as list_names
from .load import load as load
from .load import load_unchecked as load_unchecked
from .network import Network as Network
from .network import Segment as Segment
from .network import StageBlock as StageBlock
from .network import list_stage_blocks as list_stage_blocks
from .parameters import Param as Param
from .serialize import check_serialized as check_serialized
from .serialize import serialize_network as serialize_network
from .template import Block as Block
from .template import inactive_mistake as inactive_mistake
from .template import outside_domain_mistake as outside_domain_mistake
from .template import unknown_param_mistake as unknown_param_mistake
from .variants import LIBRARIES as LIBRARIES
from .variants import ModelReference as ModelReference
from .variants import parse_reference as parse_reference
from .variants import reference_pattern as reference_pattern
