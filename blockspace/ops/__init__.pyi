from .activation import Activation as Activation
from .conv import Conv as Conv, Linear as Linear
from .merge import Add as Add, Concat as Concat, Max as Max, Merge as Merge, Mul as Mul
from .norm import BatchNorm as BatchNorm, GroupNorm as GroupNorm, LayerNorm as LayerNorm, Norm as Norm
from .op import (
    FLOAT as FLOAT,
    INPUTS as INPUTS,
    OPS as OPS,
    POINT as POINT,
    AllInputs as AllInputs,
    Call as Call,
    Function as Function,
    In as In,
    Op as Op,
    Shape as Shape,
    Weight as Weight,
    Window as Window,
    count_elements as count_elements,
    format_shape as format_shape,
    op_from_dict as op_from_dict,
    register_op as register_op,
)
from .pool import AdaptiveAvgPool as AdaptiveAvgPool, AvgPool as AvgPool, MaxPool as MaxPool, Pool as Pool
from .rearrange import (
    ChannelShuffle as ChannelShuffle,
    Copy as Copy,
    Flatten as Flatten,
    Identity as Identity,
    Input as Input,
    PadChannels as PadChannels,
    Part as Part,
    Slice as Slice,
)
from .scale import Dropout as Dropout, DropPath as DropPath, Scale as Scale, Zero as Zero
