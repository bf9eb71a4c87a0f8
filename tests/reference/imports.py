#!/usr/bin/env python3
"""Import timm's networks with resnetc, and hold each layer of what it wrote against timm's.

    python tests/reference/imports.py --resnetc "cargo run --release -q -p resnetc --" [NAME ...]

Needs what `requirements.txt` lists. Each network gets weights and statistics off their defaults, from a
seed; `resnetc import` writes its spec, and `resnetc compare` computes every layer of that spec in float64
from the activations that PyTorch gave. A line a network; exit 1 if a layer of any departs.
"""

import argparse
import pathlib
import shlex
import subprocess
import sys
import tempfile

import timm
import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples" / "compare"))
from record import record  # noqa: E402

DEFAULT = """
    resnet18 resnet10t resnet50d resnext50d_32x4d wide_resnet50_2 seresnet18 seresnext26t_32x4d resnetrs50
    resnetv2_18 resnetv2_50 resnetv2_50d legacy_seresnet50 legacy_seresnext26_32x4d test_resnet
""".split()
SIDE = 64
"""Height and width of the image."""


def make(name):
    """A network in which no norm is an identity."""
    torch.manual_seed(0)
    network = timm.create_model(name)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.0)
            nn.init.normal_(layer.bias, 0.0, 0.1)
            nn.init.normal_(layer.running_mean, 0.0, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network


def check(name, command, folder):
    """Whether all layers agree."""
    network = make(name)
    weights, dump, spec = (str(folder / file) for file in ("w.safetensors", "d.safetensors", "net.resnet"))
    save_file(network.state_dict(), weights)
    save_file(record(network, torch.randn(1, 3, SIDE, SIDE)), dump)
    for run in (
        ["import", weights, "-o", spec],
        ["compare", spec, "--weights", weights, "--reference", dump, "--set", f"input={SIDE}"],
    ):
        done = subprocess.run([*command, *run], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{name}: {done.stdout}{done.stderr}", flush=True)
            return False
    print(f"{name}: {done.stdout.strip()}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"networks; without: {' '.join(DEFAULT)}")
    parser.add_argument("--resnetc", default="resnetc", metavar="CMD", help="the command; `resnetc` without")
    args = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        command, folder = shlex.split(args.resnetc), pathlib.Path(folder)
        results = [check(name, command, folder) for name in args.names or DEFAULT]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
