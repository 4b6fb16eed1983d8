from .kinds import KINDS as KINDS
from .kinds import modeline as modeline
from .kinds import schema as schema
from .kinds import stored as stored
from .kinds import text as text
from .meanings import (
    CHANNEL_NAMES as CHANNEL_NAMES,
)
from .meanings import (
    DEFAULTS_MEAN as DEFAULTS_MEAN,
)
from .meanings import (
    FILE_KEYS as FILE_KEYS,
)
from .meanings import (
    FUNCTIONS_MEAN as FUNCTIONS_MEAN,
)
from .meanings import (
    PARAM_KEYS as PARAM_KEYS,
)
from .meanings import (
    SETTINGS as SETTINGS,
)
from .meanings import (
    STEP_KEYS_MEAN as STEP_KEYS_MEAN,
)
from .operations import pattern_words as pattern_words
from .operations import setting_rows as setting_rows
from .study import AsWritten as AsWritten
