#!/usr/bin/env python3
"""Make, or check, the goldens: logits and counts that PyTorch vouches for.

    python tests/reference/goldens.py                 # writes tests/goldens/
    python tests/reference/goldens.py --check         # recomputes, writes nothing, exit 1 on a difference
    python tests/reference/goldens.py resnet18 ...    # only these

Needs what `requirements.txt` lists. In: the networks of `catalogue.py` with the weights of
`synthetic.py`. Out, in tests/goldens/:

    NAME.json       {"spec": ..., "set": {...}, "norms": {name: [m, v]}, "small": [norm names],
                     "input": [N, C, H, W], "logits": N lists of float64}
    synthetic.json  the first values of some tensors as f32 bits, and FNV-1a of all their bytes
    counts.json     {"SPEC PARAMETER=VALUE": [parameters, MACs]}; MACs are those of convolutions and
                    linear layers, for one image

Logits are computed in float64 from the f32 weights. m and v of a norm are measured once, on the
golden's input with all norms before it in place, and rounded to four digits; a check takes them from
the golden. Logits differ by their last digits from one machine to the next, so a check allows 1e-10.
"""

import argparse
import json
import math
import pathlib
import sys

import numpy as np
import torch
from torch import nn

import synthetic
from catalogue import COUNTS, NETWORKS

FOLDER = pathlib.Path(__file__).parent.parent / "goldens"
TOLERANCE = 1e-10
PAIR_LIMIT = 60_000
"""Bytes above which a golden has one image."""

PUBLISHED = {
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "resnet50d": (25_576_264, 4_328_824_832),
    "seresnet50": (28_088_024, 4_091_699_200),
    "resnetv2_50": (25_549_352, 4_089_184_256),
    "cifar_resnet depth=20": (269_722, 40_551_040),
    "cifar_resnet depth=1202": (19_421_274, 2_829_238_912),
}
"""Counts known from elsewhere."""


def load(module, tensors):
    """Copies float32 arrays into a module's tensors of the same names."""
    state = module.state_dict()
    for name, values in tensors.items():
        state[name].copy_(torch.from_numpy(values.reshape(state[name].shape)))


def fill(module, small, norms):
    """Gives a float64 module its synthetic tensors; norms that `norms` lacks measure m and v when run."""
    for name, layer in module.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            load(module, synthetic.layer_tensors(name, tuple(layer.weight.shape), layer.bias is not None))
        elif isinstance(layer, nn.BatchNorm2d) and name in norms:
            load(module, synthetic.norm_tensors(name, layer.num_features, name in small, *norms[name]))
        elif isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_pre_hook(measure(module, name, name in small, norms))


def measure(module, name, small, norms):
    """A hook that puts the statistics of what a norm reads into `norms`, and its tensors in place."""

    def hook(layer, inputs):
        if name in norms:
            return
        values = inputs[0]
        mean = values.mean((0, 2, 3)).square().mean().sqrt().item()
        variance = values.var((0, 2, 3), correction=0).mean().item()
        norms[name] = [float(f"{mean:.3e}"), float(f"{variance:.3e}")]
        load(module, synthetic.norm_tensors(name, layer.num_features, small, *norms[name]))

    return hook


def evaluate(network, norms, images):
    """The golden of a network; `norms` may be empty, to be measured."""
    module = network.make().double().eval()
    small = network.small_norms(module)
    norms = dict(norms)
    fill(module, small, norms)
    shape = (images, *network.size)
    with torch.inference_mode():
        logits = module(torch.from_numpy(synthetic.input_batch(shape)).double())
    return {
        "spec": network.spec,
        "set": network.set,
        "norms": norms,
        "small": small,
        "input": list(shape),
        "logits": logits.tolist(),
    }


def make_golden(network):
    """The golden with two images, or with one where two are too long."""
    golden = evaluate(network, {}, 2)
    return golden if len(dump(golden)) <= PAIR_LIMIT else evaluate(network, {}, 1)


def relative_error(found, wanted):
    """Of the L2 norms."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def same_golden(wanted, found):
    """Whether two goldens agree, logits up to the tolerance."""
    exact = all(wanted[key] == found[key] for key in found if key != "logits")
    return exact and relative_error(found["logits"], wanted["logits"]) <= TOLERANCE


def count(network):
    """[parameters, MACs] of a network, without computing anything."""
    with torch.device("meta"):
        module = network.make().eval()
    macs = 0

    def hook(layer, _, output):
        nonlocal macs
        macs += output.numel() * math.prod(layer.weight.shape[1:])

    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(hook)
    module(torch.empty(1, *network.size, device="meta"))
    return [sum(p.numel() for p in module.parameters()), macs]


def count_all():
    """The table of counts, held against the published ones."""
    table = {}
    for network in COUNTS:
        table[network.key()] = found = count(network)
        wanted = PUBLISHED.get(network.key())
        remark = "" if wanted is None else "as published" if tuple(found) == wanted else f"PUBLISHED {wanted}"
        print(f"{network.key():50} {found[0]:>13,} parameters {found[1]:>16,} MACs  {remark}", flush=True)
        if wanted is not None and tuple(found) != wanted:
            sys.exit(f"{network.key()} is not the published network")
    return table


def make_synthetic():
    """Test vectors of the generator itself."""
    tensors = synthetic.layer_tensors("layer1.0.conv2", (6, 5, 3, 3), True)
    tensors |= synthetic.layer_tensors("fc", (10, 64), True)
    norms = {"bn1": [0.3217, 1.618], "layer1.0.bn2": [1.25e-3, 20.5]}
    tensors |= synthetic.norm_tensors("bn1", 19, False, *norms["bn1"])
    tensors |= synthetic.norm_tensors("layer1.0.bn2", 19, True, *norms["layer1.0.bn2"])
    tensors["input"] = synthetic.input_batch((2, 3, 13, 21))
    rows = []
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        first = np.frombuffer(raw[:32], "<u4").tolist()
        digest = f"{synthetic.fnv1a(raw):016x}"
        rows.append({"name": name, "shape": list(values.shape), "bits": first, "fnv1a": digest})
    return {"norms": norms, "small": ["layer1.0.bn2"], "tensors": rows}


def dump(value):
    """Compact JSON; floats as short as they still read back exactly."""
    return json.dumps(value, separators=(",", ":")) + "\n"


def settle(name, found, check, same):
    """Writes a file, or compares it; whether it is as it should be."""
    path = FOLDER / f"{name}.json"
    if check:
        good = path.exists() and same(json.loads(path.read_text()), found)
    else:
        path.write_text(dump(found))
        good = True
    verdict = "as it should be" if good else "DIFFERS"
    print(f"{name}: {verdict}" if check else f"{name}: {path.stat().st_size:,} bytes", flush=True)
    return good


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("names", nargs="*", help="goldens; all without")
    parser.add_argument("--check", action="store_true", help="compare and write nothing")
    args = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    unknown = set(args.names) - {n.name for n in NETWORKS} - {"synthetic", "counts"}
    if unknown:
        parser.error(f"no golden {', '.join(sorted(unknown))}")
    good = True
    if not args.names or "synthetic" in args.names:
        good &= settle("synthetic", make_synthetic(), args.check, lambda a, b: a == b)
    if not args.names or "counts" in args.names:
        good &= settle("counts", count_all(), args.check, lambda a, b: a == b)
    for network in NETWORKS:
        if args.names and network.name not in args.names:
            continue
        path = FOLDER / f"{network.name}.json"
        if args.check and path.exists():
            old = json.loads(path.read_text())
            found = evaluate(network, old["norms"], old["input"][0])
        else:
            found = make_golden(network)
        y = np.asarray(found["logits"])
        spread = relative_error(y[:1], y[1:]) if len(y) > 1 else float("nan")
        print(f"{network.name}: logits std {y.std():.3f}, the two images {spread:.3f} apart")
        good &= settle(network.name, found, args.check, same_golden)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
