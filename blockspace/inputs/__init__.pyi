from .argument_kinds import (
    ANYTHING as ANYTHING,
    CALLABLE as CALLABLE,
    COUNT as COUNT,
    FLAG as FLAG,
    MODULE as MODULE,
    NAMES as NAMES,
    PATH as PATH,
    PATHS as PATHS,
    SEED as SEED,
    TEXT as TEXT,
    TEXTS as TEXTS,
    VALUE as VALUE,
    WEIGHTS as WEIGHTS,
    ArgumentKind as ArgumentKind,
    check_arguments as check_arguments,
    is_integer as is_integer,
    is_list_of as is_list_of,
    is_path as is_path,
    optional as optional,
    show_value as show_value,
)
from .paths import (
    check_plain_path as check_plain_path,
    expand_path as expand_path,
    is_existing_path as is_existing_path,
    relate_path as relate_path,
)
from .shapes import read_input_shape as read_input_shape
