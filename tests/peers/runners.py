"""The three that are compared, each with the same two methods.

In: a network's ONNX file or program, a batch of images, a number of threads. Out: `median_ms(seconds)`,
the median time of one run over the whole batch after a warm-up, and `logits(images)` of any number of
images. Peers run in this process and through their own interface, ours is a program of its own.
"""

import json
import statistics
import subprocess
import time

import numpy as np
import onnxruntime
import openvino

LEAST_RUNS = 5


def measure(run, seconds):
    """Times of `run` in milliseconds, for as long."""
    times, begin = [], time.perf_counter()
    while len(times) < LEAST_RUNS or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


class Peer:
    """What both peers share; `run(images)` runs one full batch."""

    def __init__(self, images):
        self.images = images

    def median_ms(self, seconds):
        measure(self.run, seconds / 5)
        return statistics.median(measure(self.run, seconds))

    def logits(self, images):
        """A last batch that is not full is filled with images that are there."""
        batch, found = len(self.images), []
        for first in range(0, len(images), batch):
            part = images[first : first + batch]
            found.append(self.run(np.resize(part, self.images.shape))[: len(part)])
        return np.concatenate(found)


class OpenVino(Peer):
    """OpenVINO's CPU plugin, one stream, in f32."""

    name = "OpenVINO"
    package = "openvino"

    def __init__(self, onnx, images, threads):
        super().__init__(images)
        core = openvino.Core()
        model = core.read_model(onnx)
        model.reshape(list(images.shape))
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(images.copy()))

    def run(self, images=None):
        if images is not None:
            self.request.get_input_tensor().data[:] = images
        self.request.infer()
        return self.request.get_output_tensor().data.copy()


class OnnxRuntime(Peer):
    """ONNX Runtime's CPU provider."""

    name = "ONNX Runtime"
    package = "onnxruntime"

    def __init__(self, onnx, images, threads):
        super().__init__(images)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_free_dimension_override_by_name("batch", len(images))
        self.session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def run(self, images=None):
        return self.session.run(None, {"images": self.images if images is None else images})[0]


class Ours:
    """A program that resnetc built."""

    name = "resnetc"

    def __init__(self, program, batch, threads):
        self.program = program
        self.options = ["--threads", str(threads)]
        self.batch = batch
        self.isa = None

    def median_ms(self, seconds):
        options = self.options + ["--batch", str(self.batch), "--seconds", str(seconds), "--json"]
        done = subprocess.run(
            [self.program, "bench", *options], stdout=subprocess.PIPE, text=True, check=True
        )
        result = json.loads(done.stdout.splitlines()[-1])
        self.isa = result["isa"]
        return result["median_ms"]

    def logits(self, images):
        given, made = (self.program.with_suffix(kind) for kind in (".input.npy", ".output.npy"))
        np.save(given, images)
        options = self.options + ["--input", given, "--output", made]
        subprocess.run([self.program, "infer", *options], check=True)
        return np.load(made)


PEERS = [OpenVino, OnnxRuntime]
