#!/usr/bin/env python3
"""Build networks with resnetc and hold their logits against PyTorch's in float64.

    python tests/reference/parity.py OUT_DIR --resnetc "cargo run --release -q -p resnetc --" [NAME ...]

Needs what `requirements.txt` lists. In: names of `catalogue.py` (`--list` shows them). Out, in OUT_DIR:

    NAME.safetensors NAME.pth   the weights, float32
    NAME.input.npy              [2, C, H, W] float32, already normalised
    NAME.logits.npy             [2, classes] float64, computed in float64 from the float32 weights
    NAME NAME.output.npy        the program that resnetc built, and its logits

and a line a network: the relative L2 error beside its bound. Exit 1 if any is over its bound, or a
program did not run. Unlike the goldens' weights these are as trained networks have them: Kaiming
convolutions, norm statistics measured on smooth images, gammas and betas off their defaults, those of
a branch's last norm small. `--format pth` gives resnetc the pickle, `--fixtures` stops before resnetc.
"""

import argparse
import pathlib
import shlex
import subprocess
import sys
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from catalogue import NETWORKS

SPECS = pathlib.Path(__file__).parent.parent / "specs"
DEFAULT = ["resnet18", "resnet50", "resnext50_32x4d", "resnet152", "cifar_resnet20"]


def smooth_images(count, size, seed):
    """[count, *size] float32 with a natural 1/f spectrum, zero mean and unit variance a channel."""
    channels, height, width = size
    rng = np.random.default_rng(seed)
    fy, fx = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    fall = 1.0 / np.maximum(np.hypot(fy, fx), 1.0 / max(height, width))
    shape = (count, channels, *fall.shape)
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    image = np.fft.irfft2(spectrum * fall, s=(height, width))
    image = (image - image.mean((2, 3), keepdims=True)) / image.std((2, 3), keepdims=True)
    return torch.tensor(image, dtype=torch.float32)


def realistic(network):
    """The network in evaluation mode, with weights as in trained networks."""
    torch.manual_seed(0)
    module = network.make()
    small = set(network.small_norms(module))
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the statistics are those of the one batch below
            nn.init.uniform_(layer.weight, *((0.1, 0.4) if name in small else (0.5, 1.0)))
            nn.init.normal_(layer.bias, 0.0, 0.1)
    module.train()
    with torch.no_grad():
        module(smooth_images(8, network.size, seed=1))
    return module.eval()


def write_fixtures(network, folder):
    """Weights, input and logits; what is there already is kept."""
    kinds = ("safetensors", "pth", "input.npy", "logits.npy")
    paths = {kind: folder / f"{network.name}.{kind}" for kind in kinds}
    if all(path.exists() for path in paths.values()):
        return paths
    module = realistic(network)
    state = {name: values.contiguous() for name, values in module.state_dict().items()}
    torch.save(state, paths["pth"])
    save_file({name: values for name, values in state.items() if values.dim() > 0}, paths["safetensors"])
    images = smooth_images(2, network.size, seed=2)
    np.save(paths["input.npy"], images.numpy())
    with torch.inference_mode():
        np.save(paths["logits.npy"], module.double()(images.double()).numpy())
    return paths


def build_program(network, weights, program, command, options=()):
    """Has resnetc build the network's program."""
    own = SPECS / f"{network.spec}.resnet"
    build = [*command, "build", str(own) if own.exists() else network.spec, *options]
    for name, value in network.set.items():
        build += ["--set", f"{name}={value}"]
    subprocess.run([*build, "--weights", str(weights), "-o", str(program)], check=True)


def run_resnetc(network, paths, folder, command, weights):
    """The logits of the program that resnetc builds, and the seconds that building took."""
    program, output = folder / network.name, folder / f"{network.name}.output.npy"
    output.unlink(missing_ok=True)
    begin = time.monotonic()
    build_program(network, paths[weights], program, command)
    seconds = time.monotonic() - begin
    infer = [str(program.resolve()), "infer", "--input", str(paths["input.npy"]), "--output", str(output)]
    subprocess.run(infer, check=True)
    return np.load(output), seconds


def relative_error(found, wanted):
    """Of the L2 norms; infinite where shapes differ or a value is not finite."""
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def compare(network, args):
    """Builds and runs one network; whether its error is within its bound."""
    paths = write_fixtures(network, args.folder)
    wanted = np.load(paths["logits.npy"])
    if args.fixtures:
        print(f"{network.name}: logits std {wanted.std():.3f}", flush=True)
        return True
    try:
        found, seconds = run_resnetc(network, paths, args.folder, shlex.split(args.resnetc), args.format)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"{network.name}: {error}", flush=True)
        return False
    error = relative_error(found.astype(np.float64), wanted)
    good = error <= network.bound
    verdict = f"{'ok' if good else 'OVER'}, built in {seconds:.1f} s"
    print(f"{network.name:32} {error:9.2e} of {network.bound:.0e}  {verdict}", flush=True)
    return good


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    add = parser.add_argument
    add("folder", type=pathlib.Path, metavar="OUT_DIR", help="where fixtures and programs go")
    add("names", nargs="*", metavar="NAME", help=f"networks, or `all`; without: {', '.join(DEFAULT)}")
    add("--resnetc", default="resnetc", metavar="CMD", help="the command; `resnetc` without")
    add("--format", choices=["safetensors", "pth"], default="safetensors", help="of the weights")
    add("--fixtures", action="store_true", help="only write the fixtures")
    add("--list", action="store_true", help="show the names and bounds")
    args = parser.parse_intermixed_args()
    known = {network.name: network for network in NETWORKS}
    if args.list:
        for network in NETWORKS:
            print(f"{network.name:32} {network.bound:.0e}  {network.key()}")
        return
    names = list(known) if args.names == ["all"] else args.names or DEFAULT
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no network {', '.join(unknown)}")
    args.folder.mkdir(parents=True, exist_ok=True)
    results = [compare(known[name], args) for name in names]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
