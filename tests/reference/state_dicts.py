#!/usr/bin/env python3
"""Write the names and shapes of timm's state dicts, for the tests of `resnetc import`.

    python tests/reference/state_dicts.py [--check]

Needs what `requirements.txt` lists; no weights are downloaded, and none are made. Out:
`tests/goldens/state_dicts.txt`, a block of lines a model:

    model NAME PARAMETERS MACS          MACs of one image of 3 x 224 x 224
    PATH norm CHANNELS                  weight, bias, running_mean, running_var, num_batches_tracked
    PATH 64x3x7x7 [bias]                a weight, and a bias of its first size
    = NAME 1x1x5                        any other tensor; a number alone is written `-`

`refused NAME` begins those of other families, which have no spec. `--check` compares instead.
"""

import argparse
import pathlib
import sys

import timm
import torch
from torch import nn

OUT = pathlib.Path(__file__).parent.parent / "goldens" / "state_dicts.txt"
SIZE = (3, 224, 224)

MODELS = """
    resnet10t resnet14t resnet18 resnet18d resnet26 resnet26d resnet26t resnet34 resnet34d resnet50 resnet50c
    resnet50d resnet50s resnet50t resnet101 resnet101d resnext50_32x4d resnext50d_32x4d resnext101_64x4d
    wide_resnet50_2 seresnet18 seresnet34 seresnet50 seresnet50t seresnext26d_32x4d seresnext26t_32x4d
    seresnext50_32x4d seresnext101_32x8d resnetrs50 resnetv2_18 resnetv2_18d resnetv2_34 resnetv2_50
    resnetv2_50d resnetv2_50t resnetv2_101 legacy_seresnet18 legacy_seresnet50 legacy_seresnext26_32x4d
    legacy_senet154 resnetaa50 resnetblur18 test_resnet
"""
REFUSED = """
    ecaresnet26t res2net50d skresnet18 resnest14d resnetv2_50x1_bit resnetv2_50d_evos nf_resnet26 cspresnet50
    resnet50_gn resnet50_clip resnet33ts resnet51q gcresnet50t lambda_resnet26t tresnet_m densenet121
    regnetx_002 vgg11_bn mobilenetv2_100 convnext_atto xception41 repvgg_a0 darknet53
"""


def count_macs(module):
    """Multiply-accumulates of convolutions and linear layers for one image."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        total += layer.weight.numel() * (output[0, 0].numel() if output.dim() == 4 else 1)

    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    with torch.no_grad():
        module.eval()(torch.zeros(1, *SIZE, device="meta"))
    return total


def describe(state):
    """A line a layer."""
    layers = {}
    for name, tensor in state.items():
        path, _, field = name.rpartition(".")
        layers.setdefault(path, {})[field] = tuple(tensor.shape)
    norm = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    for path, fields in layers.items():
        shape = "x".join(map(str, fields.get("weight", ())))
        if set(fields) == norm:
            yield f"{path} norm {shape}"
        elif shape and set(fields) == {"weight"}:
            yield f"{path} {shape}"
        elif shape and set(fields) == {"weight", "bias"} and fields["bias"] == fields["weight"][:1]:
            yield f"{path} {shape} bias"
        else:
            for field, sizes in fields.items():
                name = f"{path}.{field}" if path else field
                yield f"= {name} {'x'.join(map(str, sizes)) or '-'}"


def make():
    """The whole text."""
    lines = []
    for name in MODELS.split() + REFUSED.split():
        with torch.device("meta"):
            module = timm.create_model(name)
        if name in MODELS.split():
            parameters = sum(values.numel() for values in module.parameters())
            lines.append(f"model {name} {parameters} {count_macs(module)}")
        else:
            lines.append(f"refused {name}")
        lines += describe(module.state_dict())
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the file, and write nothing")
    args = parser.parse_args()
    text = make()
    if not args.check:
        OUT.write_text(text)
    elif OUT.read_text() != text:
        sys.exit(f"{OUT} differs from what timm {timm.__version__} gives")


if __name__ == "__main__":
    main()
