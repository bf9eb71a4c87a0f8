#!/usr/bin/env python3
"""Train the CIFAR-10 ResNet-20 of He et al. 2015 (option A shortcuts) and write it as safetensors.

    python train.py TRAIN.tar TEST.tar OUT.safetensors [EPOCHS]

Each tar holds CIFAR-10 as 32x32 pictures named <anything>/<class>/<file>, for example train/frog/0001.jpg.
The weights beside this file came of 30 epochs over 50,000 pictures in JPEG; they name 1,766 of 2,000 held-out
ones rightly.

Input in training and use: RGB / 255, minus mean (0.485, 0.456, 0.406), over std (0.229, 0.224, 0.225).
Tensor names: conv1, bn1, layer{1,2,3}.{0,1,2}.{conv1,bn1,conv2,bn2}, linear.
"""
import io
import sys
import tarfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import nn

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.stride, self.extra = stride, cout - cin

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:  # option A: subsample, then pad the channels with zeros on both sides
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra // 2, self.extra // 2))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(*[Block(16 if i == 0 else 32, 32, 2 if i == 0 else 1) for i in range(3)])
        self.layer3 = nn.Sequential(*[Block(32 if i == 0 else 64, 64, 2 if i == 0 else 1) for i in range(3)])
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


def read(path):
    images, labels = [], []
    with tarfile.open(path) as tar:
        for m in tar:
            images.append(np.asarray(Image.open(io.BytesIO(tar.extractfile(m).read())).convert("RGB")))
            labels.append(CLASSES.index(m.name.split("/")[1]))
    x = torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    return (x - MEAN) / STD, torch.tensor(labels)


def crops_and_flips(x):
    x = F.pad(x, (4, 4, 4, 4), mode="reflect")
    n, out = len(x), torch.empty(len(x), 3, 32, 32)
    dy, dx, flip = torch.randint(0, 9, (n,)), torch.randint(0, 9, (n,)), torch.rand(n) < 0.5
    for i in range(n):
        c = x[i, :, dy[i]:dy[i] + 32, dx[i]:dx[i] + 32]
        out[i] = c.flip(2) if flip[i] else c
    return out


def main():
    torch.manual_seed(0)
    (x, y), (tx, ty) = read(sys.argv[1]), read(sys.argv[2])
    epochs = int(sys.argv[4]) if len(sys.argv) > 4 else 40
    model = ResNet20().to(memory_format=torch.channels_last)
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    opt = torch.optim.SGD([{"params": decay, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0}],
                          lr=0.1, momentum=0.9, nesterov=True)
    batch = 128
    steps = len(x) // batch
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.3, total_steps=epochs * steps, pct_start=0.2)
    for epoch in range(epochs):
        model.train()
        t, order, total = time.time(), torch.randperm(len(x)), 0.0
        for i in range(steps):
            idx = order[i * batch:(i + 1) * batch]
            xb = crops_and_flips(x[idx]).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(model(xb).float(), y[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
        model.eval()
        with torch.inference_mode():
            hits = sum((model(tx[i:i + 500]).argmax(1) == ty[i:i + 500]).sum().item()
                       for i in range(0, len(tx), 500))
        loss, hits, seconds = total / steps, hits / len(tx), time.time() - t
        print(f"epoch {epoch + 1}: loss {loss:.3f}, test {hits:.4f}, {seconds:.0f} s", flush=True)
        state = {k: v.float().contiguous() for k, v in model.state_dict().items() if v.dim() > 0}
        save_file(state, sys.argv[3])


if __name__ == "__main__":
    main()
