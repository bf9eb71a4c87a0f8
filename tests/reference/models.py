"""The networks that neither torchvision nor timm has, with the tensor names of the shipped specs.

In: a depth, a shortcut mode. Out: a `torch.nn.Module` in the names that resnetc gives its tensors:
torchvision's (`conv1`, `bn1`, `layer1.0.conv1`, ..., `downsample.0`, `fc`), and `linear` for the
classifier of the CIFAR networks of He et al. 2015, as their public checkpoints have it. A
pre-activation network has `norm` before its pool.

Shortcut modes: `none` (a plain network), `zero_pad` (option A), `projection` (B), `projection_all` (C).
"""

import torch
import torch.nn.functional as F
from timm.layers import BlurPool2d
from torch import nn


def conv(inputs, outputs, size, stride=1, groups=1):
    """A convolution without bias that keeps the map's size under stride 1."""
    return nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2, groups=groups, bias=False)


class ZeroPad(nn.Module):
    """Option A: every stride-th row and column, zero channels half before and half behind."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        before = self.more // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before))


def make_shortcut(mode, inputs, outputs, stride, norm=True):
    """The shortcut's module; None is an identity, or no addition under `none`."""
    same = stride == 1 and inputs == outputs
    if mode == "none" or (same and mode != "projection_all"):
        return None
    if mode == "zero_pad":
        return ZeroPad(inputs, outputs, stride)
    layers = [conv(inputs, outputs, 1, stride)] + ([nn.BatchNorm2d(outputs)] if norm else [])
    return nn.Sequential(*layers)


class Basic(nn.Module):
    """Two 3x3 convolutions; He et al. 2015, Figure 5 left."""

    expansion = 1

    def __init__(self, inputs, width, stride, mode):
        super().__init__()
        self.mode = mode
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = make_shortcut(mode, inputs, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.mode != "none":
            y = y + (x if self.downsample is None else self.downsample(x))
        return F.relu(y)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1; the stride on the first as in He et al. 2015 (`v1`), else on the 3x3."""

    expansion = 4

    def __init__(self, inputs, width, stride, mode, v1=False, groups=1, base=64):
        super().__init__()
        inner, outputs = width * base // 64 * groups, width * 4
        first, middle = (stride, 1) if v1 else (1, stride)
        self.conv1, self.bn1 = conv(inputs, inner, 1, first), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, middle, groups), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = conv(inner, outputs, 1), nn.BatchNorm2d(outputs)
        self.downsample = make_shortcut(mode, inputs, outputs, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class PreactBasic(nn.Module):
    """He et al. 2016, Figure 4e. Where shapes differ, the projection reads the pre-activated input."""

    expansion = 1

    def __init__(self, inputs, width, stride, mode):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        self.downsample = make_shortcut(mode, inputs, width, stride, norm=False)

    def forward(self, x):
        pre = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(pre))))
        return y + (x if self.downsample is None else self.downsample(pre))


class PreactBottleneck(nn.Module):
    """The same with 1x1, 3x3, 1x1; the stride on the 3x3, as timm has it, not on the first 1x1."""

    expansion = 4

    def __init__(self, inputs, width, stride, mode):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, width, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(width), conv(width, width * 4, 1)
        self.downsample = make_shortcut(mode, inputs, width * 4, stride, norm=False)

    def forward(self, x):
        pre = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(pre))))
        y = self.conv3(F.relu(self.bn3(y)))
        return y + (x if self.downsample is None else self.downsample(pre))


class ResNet(nn.Module):
    """Stem, stages `layer1`, ..., pool and classifier; all but the first stage begin with stride 2."""

    def __init__(self, block, counts, widths, stem, classes, mode, classifier="fc", preact=False, **options):
        super().__init__()
        imagenet = len(counts) == 4
        self.conv1 = conv(3, stem, 7, 2) if imagenet else conv(3, stem, 3)
        self.bn1 = None if preact else nn.BatchNorm2d(stem)
        self.pool = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        inputs, self.stages = stem, []
        for index, (count, width) in enumerate(zip(counts, widths)):
            blocks = []
            for place in range(count):
                stride = 2 if index > 0 and place == 0 else 1
                blocks.append(block(inputs, width, stride, mode, **options))
                inputs = width * block.expansion
            self.stages.append(f"layer{index + 1}")
            self.add_module(self.stages[-1], nn.Sequential(*blocks))
        self.norm = nn.BatchNorm2d(inputs) if preact else None
        self.classifier = classifier
        self.add_module(classifier, nn.Linear(inputs, classes))

    def forward(self, x):
        x = self.conv1(x)
        if self.bn1 is not None:
            x = F.relu(self.bn1(x))
        x = self.pool(x)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        if self.norm is not None:
            x = F.relu(self.norm(x))
        return getattr(self, self.classifier)(x.mean((2, 3)))


def cifar_resnet(depth, mode="zero_pad"):
    """He et al. 2015, section 4.2: depth 6n + 2; mode `none` is the plain network."""
    return ResNet(Basic, [(depth - 2) // 6] * 3, (16, 32, 64), 16, 10, mode, classifier="linear")


def cifar_preact_basic(depth):
    """He et al. 2016: basic blocks, depth 6n + 2, option B."""
    return ResNet(PreactBasic, [(depth - 2) // 6] * 3, (16, 32, 64), 16, 10, "projection", preact=True)


def cifar_preact(depth):
    """He et al. 2016: bottlenecks, depth 9n + 2, option B."""
    counts = [(depth - 2) // 9] * 3
    return ResNet(PreactBottleneck, counts, (16, 32, 64), 16, 10, "projection", preact=True)


def wide_resnet(depth, factor):
    """Zagoruyko and Komodakis 2016: pre-activation basic blocks, depth 6n + 4, `factor` times as wide."""
    widths = [width * factor for width in (16, 32, 64)]
    return ResNet(PreactBasic, [(depth - 4) // 6] * 3, widths, 16, 10, "projection", preact=True)


def cifar_resnext29(groups=8, base=64):
    """Xie et al. 2017, section 5.3: depth 29, 8x64d by default."""
    return ResNet(Bottleneck, [3] * 3, (64, 128, 256), 64, 10, "projection", groups=groups, base=base)


def imagenet_basic(counts, mode):
    """ResNet-18 and ResNet-34 under any shortcut mode."""
    return ResNet(Basic, counts, (64, 128, 256, 512), 64, 1000, mode)


def imagenet_v1(counts):
    """ResNet-50, 101 and 152 with the stride where He et al. 2015 have it."""
    return ResNet(Bottleneck, counts, (64, 128, 256, 512), 64, 1000, "projection", v1=True)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's `SAME` padding: the odd row or column of zeros goes behind."""

    def forward(self, x):
        pads = []
        for axis in (1, 0):
            length, stride = x.shape[2 + axis], self.stride[axis]
            covered = (-(-length // stride) - 1) * stride + self.kernel_size[axis]
            total = max(covered - length, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class TinyBlock(nn.Module):
    """One stack of ResNet-8: the projection is a 1x1 convolution with bias and no norm."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = SameConv(inputs, width, 3, stride), nn.BatchNorm2d(width, eps=1e-3)
        self.conv2, self.bn2 = SameConv(width, width, 3), nn.BatchNorm2d(width, eps=1e-3)
        self.downsample = None if inputs == width else nn.Sequential(SameConv(inputs, width, 1, stride))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class TinyResNet8(nn.Module):
    """MLPerf Tiny's image classification reference (`resnet_v1_eembc`, 16 filters), up to its logits."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = SameConv(3, 16, 3), nn.BatchNorm2d(16, eps=1e-3)
        self.layer1 = nn.Sequential(TinyBlock(16, 16, 1))
        self.layer2 = nn.Sequential(TinyBlock(16, 32, 2))
        self.layer3 = nn.Sequential(TinyBlock(32, 64, 2))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(F.avg_pool2d(x, 8).flatten(1))


class Grouped(nn.Module):
    """Dilation, groups, kernels that are not square, odd channels, leaky ReLU and SiLU."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 2, dilation=2, groups=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, (1, 3), 1, (0, 1), groups=3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = make_shortcut("projection", inputs, width, stride)

    def forward(self, x):
        y = F.leaky_relu(self.bn1(self.conv1(x)), 0.25)
        y = self.bn2(self.conv2(y))
        return F.silu(y + (x if self.downsample is None else self.downsample(x)))


class Gated(nn.Module):
    """A depthwise convolution with a multiplier, a channel gate and a gate of the map's size."""

    def __init__(self, inputs, width):
        super().__init__()
        inner = 2 * inputs
        self.conv1 = nn.Conv2d(inputs, inner, (5, 3), 1, (2, 1), groups=inputs, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.se = nn.ModuleDict({"fc1": nn.Conv2d(inner, 5, 1), "fc2": nn.Conv2d(5, inner, 1)})
        self.spatial = nn.Conv2d(inner, inner, 1)
        self.conv2, self.bn2 = conv(inner, width, 1), nn.BatchNorm2d(width)
        self.downsample = make_shortcut("projection", inputs, width, 1)

    def forward(self, x):
        y = F.hardswish(self.bn1(self.conv1(x)))
        y = y * self.se["fc2"](F.relu(self.se["fc1"](y.mean((2, 3), keepdim=True)))).sigmoid()
        y = y * F.hardsigmoid(self.spatial(y))
        y = self.bn2(self.conv2(y))
        return y + (x if self.downsample is None else self.downsample(x))


class Blurred(nn.Module):
    """Antialiased subsampling, behind a maximum over values below zero."""

    def __init__(self, inputs, width):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3), nn.BatchNorm2d(width)
        self.blur = BlurPool2d(width, 5, 2)
        self.conv2, self.bn2 = conv(width, width, 1), nn.BatchNorm2d(width)
        shortcut = [BlurPool2d(inputs, 3, 2), conv(inputs, width, 1), nn.BatchNorm2d(width)]
        self.downsample = nn.Sequential(*shortcut)

    def forward(self, x):
        y = F.max_pool2d(F.gelu(self.bn1(self.conv1(x))), 3, 1, 1)
        return F.relu(self.bn2(self.conv2(self.blur(y))) + self.downsample(x))


class Everything(nn.Module):
    """Every operation of the language but softmax; `tests/specs/everything.resnet` is the same network."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = SameConv(3, 9, (4, 3), (2, 1)), nn.BatchNorm2d(9, eps=1e-3)
        self.layer1 = nn.Sequential(Grouped(9, 15, 2), Grouped(15, 15, 1))
        self.layer2 = nn.Sequential(Gated(15, 20), Gated(20, 20))
        self.layer3 = nn.Sequential(Blurred(20, 24))
        self.layer4 = nn.Sequential(
            PreactBasic(31, 31, 1, "projection"), PreactBasic(31, 40, 1, "projection")
        )
        self.norm, self.fc = nn.BatchNorm2d(40), nn.Linear(40, 17)

    def forward(self, x):
        x = F.relu6(self.bn1(self.conv1(x)))
        x = self.layer1(F.max_pool2d(x, 2, 2, ceil_mode=True))
        x = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
        x = self.layer3(self.layer2(x))
        x = self.layer4(ZeroPad(24, 31, 1)(x))
        x = F.avg_pool2d(x, 2, 2, 1, ceil_mode=True)
        return self.fc(torch.tanh(self.norm(x)).mean((2, 3)))
