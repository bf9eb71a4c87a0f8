#!/usr/bin/env python3
"""Record what each module of a PyTorch network gives, for `resnetc compare`.

In your own program, with the network and the images that it was trained for:

    from record import record
    from safetensors.torch import save_file
    save_file(record(network, images), "activations.safetensors")
    save_file(network.state_dict(), "network.safetensors")

and then

    resnetc compare mine.resnet --weights network.safetensors --reference activations.safetensors

The dump has a float32 tensor for each module, named by the module's path (`layer1.0.conv1`), and the images
as `input`: exactly what the network is given, normalisation done. One or two images are enough. Values are
copied at once, since activations in place would change them. Modules that run more than once (an activation
that a block shares) are left out, for they have no one value; blocks and stages are recorded too.

    python record.py

writes `network.safetensors` and `activations.safetensors` beside this file, from the network of
`network.py`, which `network.resnet` is meant to describe and does not. Needs torch and safetensors.
"""

import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent


def record(network, images):
    """The dump of one run over images [N, C, H, W]."""
    values, calls = {"input": images}, {}

    def keep(name):
        def hook(_module, _inputs, output):
            calls[name] = calls.get(name, 0) + 1
            if isinstance(output, torch.Tensor) and output.dim() in (2, 4):
                values[name] = output.detach().clone()

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in network.named_modules() if name]
    network.eval()
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    once = {name: value for name, value in values.items() if calls.get(name, 1) == 1}
    return {name: value.float().cpu().contiguous() for name, value in once.items()}


def main():
    from network import make

    network, images = make()
    save_file(record(network, images), FOLDER / "activations.safetensors")
    save_file(network.state_dict(), FOLDER / "network.safetensors")


if __name__ == "__main__":
    main()
