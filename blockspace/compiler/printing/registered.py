"""What timm asks of a model, in torch alone. The class is printed into exported files, below whose classes the network derives from it."""

# mypy: ignore-errors
# a reader of an exported file is spared annotations

import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


class Registered(nn.Module):
    """A network as timm takes it: features, head, classifier, and feature maps for `features_only=True`.

    A subclass says in `parts` the methods it runs one after the other, each with the modules it uses: `level1`, ... to one feature map
    each, `rest` to what enters the head, `pooled` to what enters the classifier, `classified` to the output.
    """

    parts: tuple = ()
    feature_info: list = []
    num_features = head_hidden_size = 0  # channels before the head, and before the classifier
    trained_classes = trained_chans = 0
    classifier: str | None = None  # the linear layer that may have another number of outputs
    first_convs: tuple = ()  # the convolutions that may read another number of channels
    dropouts: tuple = ()

    def adapt(self, num_classes, in_chans, global_pool, drop_rate):
        """To other classes, input channels or dropout than the trained ones. The constructor's last line."""
        self.feature_info = [dict(one) for one in self.feature_info]
        self.num_classes, self.in_chans, self.grad_checkpointing = self.trained_classes, self.trained_chans, False
        self.global_pool, self.drop_rate = "avg", 0.0
        if in_chans != self.trained_chans:
            if not self.first_convs:
                raise ValueError(f"in_chans is {self.trained_chans} here and cannot be changed")
            for name in self.first_convs:
                old = self.get_submodule(name)
                sizes = (old.kernel_size, old.stride, old.padding, old.dilation)
                self.set_submodule(name, nn.Conv2d(in_chans, old.out_channels, *sizes, bias=old.bias is not None))
            self.in_chans = in_chans
        for name in self.dropouts if drop_rate is not None else ():
            self.get_submodule(name).p = drop_rate
        if drop_rate is not None and not self.dropouts:
            self.drop_rate = drop_rate
        self.reset_classifier(num_classes, global_pool)

    def get_classifier(self):
        """The last linear layer, or an identity without classes."""
        return self.get_submodule(self.classifier) if self.classifier else nn.Identity()

    def reset_classifier(self, num_classes, global_pool=None):
        """A new classifier; none for 0 classes, and with global_pool="" not even pooling: the output is then that of forward_features."""
        global_pool = self.global_pool if global_pool is None else global_pool
        if global_pool not in ("avg", "") or (num_classes and not global_pool):
            raise ValueError('global_pool is "avg" here, or "" with num_classes=0')
        self.global_pool = global_pool
        if num_classes != self.num_classes:
            if self.classifier is None:
                raise ValueError(f"num_classes is {self.num_classes} here and cannot be changed")
            self.set_submodule(self.classifier, nn.Linear(self.head_hidden_size, num_classes) if num_classes else nn.Identity())
            self.num_classes = num_classes

    def set_grad_checkpointing(self, enable=True):
        """Compute the levels again in the backward pass instead of keeping what is inside them."""
        self.grad_checkpointing = enable

    def levels(self):
        """The methods that give one feature map each."""
        return [getattr(self, name) for name, _ in self.parts[: len(self.feature_info)]]

    def run_level(self, level, x):
        return checkpoint(level, x, use_reentrant=False) if self.grad_checkpointing and self.training else level(x)

    def rest(self, x):
        return x

    def forward_features(self, x):
        """(N, C, H, W) -> what enters the head."""
        for level in self.levels():
            x = self.run_level(level, x)
        return self.rest(x)

    def forward_head(self, x, pre_logits=False):
        """What enters the head -> (N, classes), or with pre_logits what enters the classifier."""
        if not self.global_pool:
            return x
        x = self.pooled(x)
        if self.drop_rate:
            x = F.dropout(x, self.drop_rate, self.training)
        return x if pre_logits else self.classified(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))

    def taken(self, indices):
        """Indices from 0: all for None, the last n for a number."""
        count = len(self.feature_info)
        indices = range(-(count if indices is None else indices), 0) if indices is None or isinstance(indices, int) else indices
        if any(not -count <= i < count for i in indices):
            raise ValueError(f"feature indices are 0 to {count - 1} here, got {list(indices)}")
        return [i % count for i in indices]

    def forward_intermediates(self, x, indices=None, norm=False, stop_early=False, output_fmt="NCHW", intermediates_only=False, **_):
        """The feature maps at these indices; and, unless intermediates_only, what enters the head."""
        if output_fmt != "NCHW":
            raise ValueError("feature maps are NCHW here")
        wanted, maps = self.taken(indices), []
        levels = self.levels()
        for level in levels[: max(wanted) + 1] if stop_early or intermediates_only else levels:
            x = self.run_level(level, x)
            maps.append(x)
        maps = [maps[i] for i in wanted]
        return maps if intermediates_only else (maps, x) if stop_early else (self.rest(x), maps)

    def prune_intermediate_layers(self, indices=1, prune_norm=False, prune_head=True):
        """Remove what runs behind the last map of these indices."""
        wanted = self.taken(indices)
        for name, modules in self.parts[max(wanted) + 1 :]:
            if prune_head or name not in ("pooled", "classified"):
                for path in modules:
                    parent, _, last = path.rpartition(".")
                    delattr(self.get_submodule(parent), last)
        return wanted
