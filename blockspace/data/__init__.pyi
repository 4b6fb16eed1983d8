from .custom import make_importable as make_importable
from .data import Data as Data, load as load
from .data_spec import (
    DataSetting as DataSetting,
    DataSpec as DataSpec,
    Description as Description,
    can_describe as can_describe,
    check_data as check_data,
    describe as describe,
    read_spec as read_spec,
)
from .images import Split as Split
from .inspection import (
    Preflight as Preflight,
    is_same_content as is_same_content,
    kept_preflight as kept_preflight,
    preflight as preflight,
)
from .loading import (
    GuardedImages as GuardedImages,
    iterate_images as iterate_images,
    translate_loader_error as translate_loader_error,
)
from .scan import cache_folder as cache_folder
from .test_uses import count_test_use as count_test_use, read_test_uses as read_test_uses
