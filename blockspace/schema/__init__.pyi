from .descriptions import (
    CHANNEL_NAMES as CHANNEL_NAMES,
    DEFAULTS_MEAN as DEFAULTS_MEAN,
    FILE_KEYS as FILE_KEYS,
    FUNCTIONS_MEAN as FUNCTIONS_MEAN,
    PARAM_KEYS as PARAM_KEYS,
    SETTINGS as SETTINGS,
    STEP_KEYS_MEAN as STEP_KEYS_MEAN,
)
from .operation_schemas import pattern_words as pattern_words, setting_rows as setting_rows
from .stored_schemas import KINDS as KINDS, modeline as modeline, schema as schema, schema_text as schema_text, stored_path as stored_path
from .study_schema import AsWritten as AsWritten
