from .compile import compile as compile
from .printing.source import to_source as to_source
from .printing.timm_source import default_config as default_config, python_name as python_name, to_timm_source as to_timm_source
from .proof.prove_rules import load_proven_rules as load_proven_rules, prove as prove
from .weights.convert import convert_weights as convert_weights
from .weights.load_state import load_state as load_state
from .weights.pretrained import PretrainedWeights as PretrainedWeights, find_weights as find_weights, load_pretrained as load_pretrained
from .weights.read_checkpoint import read_checkpoint as read_checkpoint
from .weights.transplant import transplant as transplant
