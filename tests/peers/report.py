"""What was measured, as a line and as a Markdown table.

In: `Result`s. Out: text. A ratio is the peer's time over ours: above 1 ours is the faster.
"""

import datetime
import os
import pathlib
import platform
import re
from dataclasses import dataclass
from importlib import metadata

from runners import PEERS


@dataclass(frozen=True)
class Measured:
    """One of the compared, in one setting."""

    name: str
    ms: float
    """Median over the rounds."""
    ratio: float
    """Median over the rounds of its time over ours; 1 for ours."""
    error: float
    """Relative L2 error of the logits against float64."""


@dataclass(frozen=True)
class Result:
    """One setting, ours first."""

    network: str
    batch: int
    threads: int
    isa: str
    measured: list


def line(result):
    """A setting on one line."""
    ours, *peers = result.measured
    parts = [f"{ours.name} {ours.ms:.3f} ms, error {ours.error:.1e}"]
    parts += [f"{m.name} {m.ms:.3f} ms, ratio {m.ratio:.3f}, error {m.error:.1e}" for m in peers]
    return f"{result.network} batch {result.batch} threads {result.threads}: " + "; ".join(parts)


def cpu_model():
    """The processor's name, as the system has it."""
    info = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else None
    return found.group(1) if found else platform.processor() or platform.machine()


def cores():
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def markdown(results, version, rounds, seconds):
    """The table, with all that it depends on above it."""
    isas = ", ".join(sorted({result.isa for result in results}))
    packages = [(peer.name, peer.package) for peer in PEERS] + [("PyTorch", "torch")]
    versions = [version] + [f"{name} {metadata.version(package)}" for name, package in packages]
    head = ["network", "batch", "threads", "resnetc, ms"]
    head += [text for peer in PEERS for text in (f"{peer.name}, ms", "ratio")] + ["errors"]
    rows = [head, ["---"] * len(head)]
    for result in results:
        ours, *peers = result.measured
        row = [result.network, str(result.batch), str(result.threads), f"{ours.ms:.2f}"]
        row += [text for m in peers for text in (f"{m.ms:.2f}", f"{m.ratio:.2f}")]
        rows.append(row + [" / ".join(f"{m.error:.1e}" for m in result.measured)])
    compared = " / ".join(["resnetc", *(peer.name for peer in PEERS)])
    machine = f"{cpu_model()}, {cores()} cores, resnetc on {isas}"
    text = [
        f"{machine}; {datetime.date.today()}; {', '.join(versions)}.",
        f"f32; {rounds} rounds of {seconds:g} s, in turn; medians of times, and of ratios peer / resnetc.",
        f"Errors are relative L2 of the logits against float64: {compared}.",
        "",
    ]
    return "\n".join(text + ["| " + " | ".join(row) + " |" for row in rows])
