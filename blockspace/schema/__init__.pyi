from .descriptions import (
    CHANNEL_NAMES as CHANNEL_NAMES,
)
from .descriptions import (
    DEFAULTS_MEAN as DEFAULTS_MEAN,
)
from .descriptions import (
    FILE_KEYS as FILE_KEYS,
)
from .descriptions import (
    FUNCTIONS_MEAN as FUNCTIONS_MEAN,
)
from .descriptions import (
    PARAM_KEYS as PARAM_KEYS,
)
from .descriptions import (
    SETTINGS as SETTINGS,
)
from .descriptions import (
    STEP_KEYS_MEAN as STEP_KEYS_MEAN,
)
from .operation_schemas import pattern_words as pattern_words
from .operation_schemas import setting_rows as setting_rows
from .stored_schemas import KINDS as KINDS
from .stored_schemas import modeline as modeline
from .stored_schemas import schema as schema
from .stored_schemas import schema_text as schema_text
from .stored_schemas import stored_path as stored_path
from .study_schema import AsWritten as AsWritten
