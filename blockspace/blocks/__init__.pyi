from . import syntax as syntax
from .guided_expansion import (
    GuidedExpansion as GuidedExpansion,
    Mismatch as Mismatch,
    NeedValue as NeedValue,
    TargetGraph as TargetGraph,
    find_used_holes as find_used_holes,
)
from .hole_readers import find_idle_holes as find_idle_holes, find_input_holes as find_input_holes
from .holes import (
    Categorical as Categorical,
    Hole as Hole,
    Holes as Holes,
    IntRange as IntRange,
    Token as Token,
    Unknown as Unknown,
    format_token as format_token,
    parse_domain as parse_domain,
)
from .library_files import (
    find_file as find_file,
    list_families as list_families,
    list_library_files as list_library_files,
    list_names as list_names,
)
from .load import load as load, load_target as load_target, load_unchecked as load_unchecked
from .network import Network as Network, Segment as Segment, StageBlock as StageBlock, list_stage_blocks as list_stage_blocks
from .parameters import Param as Param
from .serialize import check_serialized as check_serialized, serialize_network as serialize_network
from .targets import Target as Target, find_target as find_target
from .template import (
    Block as Block,
    inactive_mistake as inactive_mistake,
    outside_domain_mistake as outside_domain_mistake,
    unknown_param_mistake as unknown_param_mistake,
)
from .template_sources import gather_template_files as gather_template_files
from .variants import (
    LIBRARIES as LIBRARIES,
    ModelReference as ModelReference,
    parse_reference as parse_reference,
    reference_pattern as reference_pattern,
)
