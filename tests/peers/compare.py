#!/usr/bin/env python3
"""Time programs that resnetc builds against OpenVINO and ONNX Runtime, in turn.

    pip install -r tests/peers/requirements.txt
    python tests/peers/compare.py --resnetc target/release/resnetc
    python tests/peers/compare.py --resnetc target/release/resnetc --networks resnet50 --threads 1 --markdown

In: names of tests/reference/catalogue.py, whose networks get weights as trained ones have them. Out: a
line a setting: the median time of a run of each, the ratio peer / resnetc (above 1 resnetc is the
faster), and the relative L2 error of each one's logits against PyTorch's in float64; with `--markdown`
a table of them behind, with the machine, the date and the versions. Weights, ONNX files and programs
are kept in `--cache`; weights and ONNX files that are there are used again.

Every round measures each of the compared, beginning with another one each time, and a ratio is formed
within a round: machines drift. The machine should have nothing else to do.
"""

import argparse
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import warnings

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "target" / "peers"
sys.path.append(str(ROOT / "tests" / "reference"))

import report
from catalogue import NETWORKS
from parity import build_program, relative_error, write_fixtures
from runners import PEERS, Ours

DEFAULT = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "cifar_resnet20",
    "cifar_resnet56",
]


def export_onnx(network, paths):
    """The ONNX file of a network with the fixtures' weights, its batch free."""
    path = paths["pth"].with_suffix(".onnx")
    if path.exists():
        return path
    module = network.make().eval()
    module.load_state_dict(torch.load(paths["pth"], weights_only=True))
    new = path.with_suffix(".onnx.new")
    free = {"images": {0: "batch"}, "logits": {0: "batch"}}
    names = {"input_names": ["images"], "output_names": ["logits"], "dynamic_axes": free}
    with warnings.catch_warnings():
        # That this exporter is the older one, and what it leaves to the peers to fold.
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.zeros(1, *network.size),), str(new), dynamo=False, **names)
    new.rename(path)
    return path


def time_in_turn(compared, rounds, seconds):
    """The medians of each round, a list for each of the compared."""
    times = [[] for _ in compared]
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    for turn in range(rounds):
        for place in range(len(compared)):
            index = (turn + place) % len(compared)
            times[index].append(compared[index].median_ms(seconds))
            # Our program inherits the cores of this thread, and would have fewer than the peers.
            if allowed is not None and os.sched_getaffinity(0) != allowed:
                sys.exit(f"{compared[index].name} has pinned this thread to {os.sched_getaffinity(0)}")
    return times


def compare(network, paths, program, batch, threads, args):
    """One setting."""
    given, truth = np.load(paths["input.npy"]), np.load(paths["logits.npy"])
    images = np.resize(given, (batch, *network.size))
    onnx = str(export_onnx(network, paths))
    ours = Ours(program, batch, threads)
    compared = [ours, *(peer(onnx, images, threads) for peer in PEERS)]
    errors = [relative_error(one.logits(given).astype(np.float64), truth) for one in compared]
    times = time_in_turn(compared, args.rounds, args.seconds)
    measured = []
    for one, rounds, error in zip(compared, times, errors):
        ratio = statistics.median(theirs / own for theirs, own in zip(rounds, times[0]))
        measured.append(report.Measured(one.name, statistics.median(rounds), ratio, error))
    return report.Result(network.name, batch, threads, ours.isa, measured)


def parse_arguments(known):
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    add = parser.add_argument
    add("--resnetc", default="resnetc", metavar="CMD", help="the command; `resnetc` without")
    add("--networks", nargs="+", default=DEFAULT, metavar="NAME", help=f"without: {', '.join(DEFAULT)}")
    add("--batch", nargs="+", type=int, default=[1, 8], metavar="N", help="images a run; 1 and 8 without")
    add("--threads", nargs="+", type=int, default=[1, 2], metavar="N", help="1 and 2 without")
    add("--rounds", type=int, default=5, metavar="N", help="5 without")
    add("--seconds", type=float, default=2.0, metavar="S", help="of each measurement; 2 without")
    add("--cache", type=pathlib.Path, default=CACHE, metavar="DIR", help="target/peers without")
    add("--markdown", action="store_true", help="end with a table")
    args = parser.parse_args()
    unknown = [name for name in args.networks if name not in known]
    if unknown:
        parser.error(f"no network {', '.join(unknown)}")
    if min(args.batch + args.threads + [args.rounds]) < 1:
        parser.error("a batch, threads and rounds are at least 1")
    return args


def main():
    known = {network.name: network for network in NETWORKS}
    args = parse_arguments(known)
    command = shlex.split(args.resnetc)
    version = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    cache = args.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    results = []
    for name in args.networks:
        paths = write_fixtures(known[name], cache)
        for batch in args.batch:
            program = cache / f"{name}_batch{batch}"
            build_program(known[name], paths["safetensors"], program, command, ["--batch", str(batch)])
            for threads in args.threads:
                results.append(compare(known[name], paths, program, batch, threads, args))
                print(report.line(results[-1]), flush=True)
    if args.markdown:
        print("\n" + report.markdown(results, version.strip(), args.rounds, args.seconds))


if __name__ == "__main__":
    main()
