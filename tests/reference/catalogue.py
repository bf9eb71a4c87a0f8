"""Which networks are compared: a golden's name, the shipped spec that is held against it, its module.

In: nothing. Out: `NETWORKS`, for logits and parity, and `COUNTS`, for parameters and MACs alone.
The modules are torchvision's and timm's where they have the network.
"""

import re
from dataclasses import dataclass, field
from typing import Callable

import models
import timm
import torchvision
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models.resnetv2 import ResNetV2
from torch import nn

IMAGENET = (3, 224, 224)
CIFAR = (3, 32, 32)


@dataclass(frozen=True)
class Network:
    """One network: `spec` with the parameters `set` is what `make` builds."""

    name: str
    spec: str
    make: Callable[[], nn.Module]
    size: tuple = IMAGENET
    set: dict = field(default_factory=dict)
    small: str = r"^$"
    """Norms whose weight is small, as the last of a residual branch is in trained networks."""
    bound: float = 1e-5
    """Relative L2 error that f32 code may have against float64 logits."""

    def key(self):
        """The spec with its parameters, as `cifar_resnet depth=56`."""
        return " ".join([self.spec] + [f"{name}={value}" for name, value in self.set.items()])

    def small_norms(self, module):
        """Names of the norms that `small` matches."""
        names = (n for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d))
        return [n for n in names if re.search(self.small, n)]


BASIC = r"layer.*\.bn2$"
BOTTLENECK = r"layer.*\.bn3$"


def tv(name, small=BOTTLENECK, bound=1e-5):
    """A torchvision network under its own name."""
    make = lambda: getattr(torchvision.models, name)(weights=None)
    return Network(name, name, make, small=small, bound=bound)


def timm_net(name, small=BOTTLENECK):
    """A timm network under its own name."""
    return Network(name, name, lambda: timm.create_model(name, pretrained=False), small=small)


def cifar(name, depth, mode=None, bound=1e-5):
    """He et al. 2015 on CIFAR-10; the default mode is option A."""
    parameters = {"depth": depth} | ({"shortcut": mode} if mode else {})
    make = lambda: models.cifar_resnet(depth, mode or "zero_pad")
    return Network(name, "cifar_resnet", make, CIFAR, parameters, BASIC, bound)


def cifar_plain(depth):
    """The same without shortcuts."""
    make = lambda: models.cifar_resnet(depth, "none")
    return Network(f"cifar_plain{depth}", "cifar_plain", make, CIFAR, {"depth": depth})


def cifar_preact_basic(depth):
    """He et al. 2016 with basic blocks."""
    make = lambda: models.cifar_preact_basic(depth)
    name, spec = f"cifar_preact_basic{depth}", "cifar_preact_basic"
    return Network(name, spec, make, CIFAR, {"depth": depth}, BASIC)


def cifar_preact(depth):
    """He et al. 2016 with bottlenecks."""
    make = lambda: models.cifar_preact(depth)
    return Network(f"cifar_preact{depth}", "cifar_preact", make, CIFAR, {"depth": depth}, BOTTLENECK)


def resnet18(name, spec, mode, parameters):
    """ResNet-18 under a shortcut mode that torchvision lacks."""
    small = r"^$" if mode == "none" else BASIC
    return Network(name, spec, lambda: models.imagenet_basic([2] * 4, mode), IMAGENET, parameters, small)


def paper_option(depth, letter):
    """ResNet-18 or ResNet-34 under option A, B or C."""
    mode = {"a": "zero_pad", "b": "projection", "c": "projection_all"}[letter]
    counts = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3]}[depth]
    name = f"resnet{depth}_{letter}"
    return Network(name, name, lambda: models.imagenet_basic(counts, mode))


def preact_imagenet(layers):
    """timm's resnetv2 at a depth that it has no name for."""
    return ResNetV2(layers, conv_layer=create_conv2d, norm_layer=BatchNormAct2d)


WIDE = Network("wrn_28_10", "wrn_28_10", lambda: models.wide_resnet(28, 10), CIFAR, small=BASIC)
RESNEXT29 = Network(
    "cifar_resnext29_8x64d", "cifar_resnext29_8x64d", models.cifar_resnext29, CIFAR, small=BOTTLENECK
)
TINY = Network("mlperf_tiny_resnet8", "mlperf_tiny_resnet8", models.TinyResNet8, CIFAR, small=BASIC)
EVERYTHING = Network("everything", "everything", models.Everything, (3, 61, 77), small=BASIC)

NETWORKS = [
    tv("resnet18", BASIC, 5e-6),
    tv("resnet34", BASIC, 1e-5),
    tv("resnet50"),
    tv("resnet101", bound=5e-5),
    tv("resnet152", bound=1e-4),
    tv("resnext50_32x4d"),
    tv("wide_resnet50_2"),
    timm_net("resnet50d"),
    timm_net("seresnet50"),
    timm_net("resnetv2_50", r"\.norm3$"),
    Network("resnet50_v1", "resnet50_v1", lambda: models.imagenet_v1([3, 4, 6, 3]), small=BOTTLENECK),
    resnet18("resnet18_zero_pad", "resnet18", "zero_pad", {"shortcut": "zero_pad"}),
    resnet18("resnet18_projection_all", "resnet18", "projection_all", {"shortcut": "projection_all"}),
    resnet18("plain18", "plain18", "none", {}),
    cifar("cifar_resnet20", 20, bound=5e-6),
    cifar("cifar_resnet56", 56),
    cifar("cifar_resnet20_projection", 20, "projection"),
    cifar("cifar_resnet20_projection_all", 20, "projection_all"),
    cifar_plain(20),
    cifar_preact_basic(110),
    cifar_preact(164),
    WIDE,
    RESNEXT29,
    TINY,
    EVERYTHING,
]

COUNTS = NETWORKS + [
    tv("resnext101_32x8d"),
    tv("resnext101_64x4d"),
    tv("wide_resnet101_2"),
    timm_net("resnetv2_101"),
    timm_net("resnetv2_152"),
    Network("resnetv2_200", "resnetv2_200", lambda: preact_imagenet([3, 24, 36, 3])),
    Network("plain34", "plain34", lambda: models.imagenet_basic([3, 4, 6, 3], "none")),
    Network("resnet101_v1", "resnet101_v1", lambda: models.imagenet_v1([3, 4, 23, 3])),
    Network("resnet152_v1", "resnet152_v1", lambda: models.imagenet_v1([3, 8, 36, 3])),
    *[cifar(f"cifar_resnet{depth}", depth) for depth in (32, 44, 110, 1202)],
    *[cifar_plain(depth) for depth in (32, 44, 56)],
    cifar_preact(1001),
    *[paper_option(depth, letter) for depth in (18, 34) for letter in "abc"],
]
