"""Names that operations have elsewhere (torch, timm, Keras, papers), with the step to write, or with what to know where there is none."""

from __future__ import annotations

import re

PREFIX = re.compile(r"^(?:torch\.)?(?:nn\.)?(?:functional\.|f\.)?|^(?:tf\.)?keras\.layers\.|^layers\.|^timm\.layers\.", re.IGNORECASE)
SUFFIX = re.compile(r"(?:act)?[123]d$")

STEPS = {
    "conv3x3: 64": "conv convolution convlayer convsame convnormact convbnact convbnrelu convbn basicconv",
    "conv1x1: 64": "pointwise pointwiseconv convpointwise pwconv",
    "dwconv3x3": "depthwise depthwiseconv depthwiseconvolution convdepthwise convdw dw",
    "depthwise_separable: {out_channels: 64}": "separableconv depthwiseseparableconv sepconv convdwseparable",
    "conv: {k: 3, out: 64, groups: 2}": "groupconv groupedconv groupedconvolution",
    "conv: {k: 3, out: 64, dilation: 2}": "dilatedconv atrousconv atrous",
    "norm: batch": "bn batchnorm batchnormalization syncbatchnorm frozenbatchnorm batchnormact normact evonorm",
    "norm: layer": "ln layernorm layernormalization",
    "norm: group": "gn groupnorm groupnormalization groupnormact",
    "local_response_norm: 5": "lrn localresponsenorm localresponsenormalization crossmaplrn",
    "maxpool3x3: {stride: 2}": "maxpool maxpooling",
    "avgpool3x3": "avgpool averagepool averagepooling meanpool",
    "global_avgpool": "gap globalavgpool globalaveragepool globalaveragepooling globalpool globalpooling selectadaptivepool",
    "adaptive_avgpool: 1": "adaptiveavgpool adaptiveaveragepool adaptiveaveragepooling adaptivepool",
    "linear: 10": "linear dense fc fullyconnected innerproduct classifier lazylinear",
    "silu": "swish silu sigmoidlinearunit",
    "hardswish": "hswish hardswish",
    "hardsigmoid": "hsigmoid hardsigmoid",
    "leaky_relu": "leakyrelu lrelu",
    "relu6": "relu6",
    "elu": "elu",
    "mish": "mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "relu": "relu rectifier",
    "gelu": "gelu gelutanh",
    "dropout: 0.1": "dropout spatialdropout alphadropout featurealphadropout",
    "drop_path: 0.1": "droppath stochasticdepth dropconnect",
    "concat: a, b": "cat concatenate concatenation depthconcat filterconcat",
    "add: a, b": "sum plus residual elementwiseadd",
    "mul: a, b": "multiply product hadamard elementwisemul",
    "max: a, b": "maximum",
    "channel_shuffle: 2": "shuffle channelshuffle",
    "identity": "identity noop skip passthrough",
    "shortcut: {out: 64, stride: 1}": "downsample shortcut skipconnection projection",
    "flatten": "flatten",
    "se": "se semodule selayer seblock squeezeexcite squeezeexcitation squeezeandexcitation effectivese",
    "eca": "eca ecamodule ecalayer efficientchannelattention",
    "resnet_basic: {out_channels: 64}": "basicblock resblock residualblock",
    "resnet_bottleneck: {out_channels: 64}": "bottleneck bottleneckblock",
    "mbconv: {out_channels: 64}": "mbconvblock invertedbottleneck",
    "inverted_residual: {out_channels: 64}": "invertedresidual invertedresidualblock",
    "split: {chunk: 2}": "chunk",
}  # fmt: skip
ABSENT = {
    "no operation enlarges a map": "upsample upsampling interpolate resize convtranspose transposedconv conv2dtranspose convtransposed "
    "deconv deconvolution pixelshuffle depthtospace maxunpool unpool fold bilinear nearest",
    "padding is a setting of convolutions and pools: `conv3x3: {out: 64, padding: 1}`": "pad zeropad zeropadding constantpad "
    "reflectionpad replicationpad reflectpad",
    "the norms are `norm: batch`, `norm: layer` and `norm: group`": "instancenorm instancenormalization rmsnorm weightnorm spectralnorm",
    "the pools are maxpool3x3, avgpool3x3, adaptive_avgpool and global_avgpool": "globalmaxpool globalmaxpooling adaptivemaxpool lppool "
    "fractionalmaxpool blurpool",
    "activations are listed under `act` in the grammar": "prelu selu celu softplus softsign glu swiglu hardtanh threshold logsigmoid "
    "logsoftmax",
    "merges are add, concat, mul and max": "average subtract sub div divide minimum min mean matmul dot einsum bmm",
    "a list of steps is a sequence by itself": "sequential modulelist",
    "values keep their order (C, H, W)": "reshape permute view unflatten squeeze unsqueeze rearrange",
    "it is for convolutional networks": "attention multiheadattention selfattention transformer transformerencoder transformerencoderlayer "
    "embedding lstm gru rnn convlstm patchembed",
}  # fmt: skip
WRITE = {name: step for step, names in STEPS.items() for name in names.split()}
MISSING = {name: what for what, names in ABSENT.items() for name in names.split()}


def normalize_name(word: str) -> str:
    """Return a name without its library, case, separators and number of dimensions: `nn.BatchNorm2d` is `batchnorm`."""
    bare = re.sub(r"[-_\s().]", "", PREFIX.sub("", word)).lower()
    return bare if bare in WRITE else SUFFIX.sub("", bare)


def find_step(word: str) -> str | None:
    """Return the step to write for a name from elsewhere, as YAML; None where it is not known."""
    return WRITE.get(normalize_name(word))


def explain_absence(word: str) -> str | None:
    """Return what to know where a name from elsewhere has no operation; None where it is not known."""
    return MISSING.get(normalize_name(word))
