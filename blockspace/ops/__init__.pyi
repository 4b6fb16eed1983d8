from .activation import Activation as Activation
from .conv import Conv as Conv
from .conv import Linear as Linear
from .merge import Add as Add
from .merge import Concat as Concat
from .merge import Max as Max
from .merge import Merge as Merge
from .merge import Mul as Mul
from .norm import BatchNorm as BatchNorm
from .norm import GroupNorm as GroupNorm
from .norm import LayerNorm as LayerNorm
from .norm import Norm as Norm
from .op import (
    FLOAT as FLOAT,
)
from .op import (
    INPUTS as INPUTS,
)
from .op import (
    OPS as OPS,
)
from .op import (
    POINT as POINT,
)
from .op import (
    AllInputs as AllInputs,
)
from .op import (
    Call as Call,
)
from .op import (
    In as In,
)
from .op import (
    Op as Op,
)
from .op import (
    Shape as Shape,
)
from .op import (
    Weight as Weight,
)
from .op import (
    Window as Window,
)
from .op import (
    elements as elements,
)
from .op import (
    from_dict as from_dict,
)
from .op import (
    register as register,
)
from .op import (
    show as show,
)
from .pool import AdaptiveAvgPool as AdaptiveAvgPool
from .pool import AvgPool as AvgPool
from .pool import MaxPool as MaxPool
from .pool import Pool as Pool
from .rearrange import (
    ChannelShuffle as ChannelShuffle,
)
from .rearrange import (
    Copy as Copy,
)
from .rearrange import (
    Flatten as Flatten,
)
from .rearrange import (
    Identity as Identity,
)
from .rearrange import (
    Input as Input,
)
from .rearrange import (
    PadChannels as PadChannels,
)
from .rearrange import (
    Part as Part,
)
from .rearrange import (
    Slice as Slice,
)
from .scale import Dropout as Dropout
from .scale import DropPath as DropPath
from .scale import Scale as Scale
from .scale import Zero as Zero
