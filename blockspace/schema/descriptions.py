"""Descriptions of the grammar's keys and words, one line each: shown by editors, and printed in the grammar's reference."""

from __future__ import annotations

from blockspace.blocks import syntax

FILE_KEYS = {
    "format": "which grammar the file is written in; its first line",
    "block": "the block's name",
    "network": "the network's name",
    "doc": "one line on what it is",
    "paper": "where it was published",
    "reference": "whose weights it takes: `torchvision:NAME`, `timm:NAME`, or `paper`",
    "equation": "the unit in a line or two of math",
    "variants": "other members of the family by name: settings of the params, and `doc`, `paper`, `reference` of their own",
    "params": "what users may set: a value, an expression, two numbers `[2, 1]`, or `{default, search, solve, range, doc}`",
    "let": "derived values, written as expressions",
    "require": "rules that must hold, such as `mid % groups == 0`",
    "defaults": "norm, act and other settings for every step below that does not give its own",
    "blocks": "blocks of your own by name: a file relative to this one, `{my_block: ./my_block.yaml}`, or what such a file holds",
    "parts": "local units by name: a flow, or `{params, flow}`; used as operations and as blocks",
    "flow": "the steps of the block; each takes the value of the step before it",
    "input": "[channels, height, width]; data of another size wins over it, so that a study cannot search it",
    "stem": "the steps before the stages",
    "stages": "steps, each `block:` one a stage: `{block, repeat, out_channels, stride, ...}`",
    "head": "the steps after the stages",
}

PARAM_KEYS = {
    "default": "the value when nobody gives one",
    "search": "the domain searched: a list, `2..8`, `8..64 step 8`, `2..64 log`, named alternatives, or `inherit` for a block's own",
    "solve": "the cost that decides the value: the largest in `range` that stays within the budget",
    "words": "what it may be, where that is not searched: words that expressions of this file compare it to",
    "range": "the legal values of a solved one: `1..64`",
    "doc": "one line on what it is",
    "untied": "a value of its own for each part of the split (inside `each:`): true, or the name of a true/false param that says so",
}

STEP_KEYS_MEAN = {
    "split": "`{copy: n}`, `{chunk: n}`, `{sizes: [a, b]}`, `{shares: [1, 3]}`; bare `copy` or `chunk` where `branches` give the number",
    "branches": "a flow for each part, by name; `none` = that branch does not exist. Without `split:` every branch gets a copy",
    "each": "one flow for every part, with weights of its own; `part` is its number from 1",
    "keep": "which part passes untouched: none, first, last, or `{last: [flow]}`; it gives and takes nothing",
    "carry": "what each part hands to the next: none, add, concat, half, or `{take: 1/3, join: concat}`",
    "merge": "how the parts come together: add, concat, mul, max; left out, the result is a list of parts",
    "block": "a block's or operation's name, `{name: {settings}}`, a list of steps, `{if, then, else}`, or a param that holds one of these",
    "repeat": "how many times; the first of repeated blocks strides, the others have stride 1",
    "stride": "of the first of the repeated blocks: one number, or [vertical, horizontal] where the block takes it",
    "for": "a loop, unrolled: `i in 2..splits`, both ends included",
    "do": "the steps of a loop",
    "if": "a condition; a step whose condition is false is skipped, and its value passes through",
    "then": "the steps, or the value, when the condition holds",
    "else": "the steps, or the value, when it does not",
    "from": "the value this step takes instead of the one before it: a name, `input`, `prev`, `x[2]`",
    "as": "a name for the step's value; a split gives x[1]..x[n]",
    "name": "the step's name in module names and state_dict keys; a stage's also in its holes",
}

SETTINGS = {
    "k": "kernel size: one number, or [height, width]",
    "out": "output channels; `same` keeps their number",
    "groups": "groups of the convolution; they divide input and output channels",
    "stride": "step of the window: one number, or [vertical, horizontal]",
    "dilation": "distance between the window's elements",
    "padding": "zeros on each side",
    "bias": "whether there is a bias",
    "act": "the activation behind it, or none",
    "norm": "the norm behind it, or none",
    "order": "the order of convolution, norm and activation",
    "bn_eps": "of batch norm: added to the variance",
    "bn_momentum": "of batch norm: the weight of the new batch",
    "norm_eps": "of layer and group norm: added to the variance",
    "norm_groups": "of group norm: into how many groups the channels go; 1 is all of (C, H, W)",
    "ceil_mode": "whether output sizes are rounded up",
    "count_include_pad": "whether average pooling counts padding as zeros",
    "pool": "how a strided shortcut shrinks: none (by the convolution), avg (ResNet-D), pad (slice and pad with zeros, CIFAR's option A)",
}

DEFAULTS_MEAN = {
    key: SETTINGS[key] for key in ("norm", "act", "order", *syntax.NORM_SETTINGS, "ceil_mode", "count_include_pad")
} | {
    "bias": "whether convolutions have a bias (`linear` has one unless it says otherwise)",
    "init": "the policy by which weights are drawn",
}

CHANNEL_NAMES = {
    "in_channels": "channels entering the file, the part, or the repeated block",
    "channels": "channels this step receives",
    "index": "number of the repeated block, or of the loop's round, from 1",
    "part": "number of the part inside `each:`, from 1",
    "input": "the value entering the file or part (in references)",
    "prev": "the value of the step before (in references)",
}

FUNCTIONS_MEAN = {
    "min": "the smallest of two or more",
    "max": "the largest of two or more",
    "int": "the integer part, towards zero",
    "floor": "the next integer below",
    "ceil": "the next integer above",
    "round": "the nearest integer, halves up",
    "log2": "the integer part of the binary logarithm",
    "divisible": "`divisible(v, d)`: the nearest multiple of d that is not below 90 % of v (MobileNet's rounding)",
}
