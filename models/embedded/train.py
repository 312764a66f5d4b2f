#!/usr/bin/env python3
"""Trains the embedded default on CIFAR-10 and writes its state dict; export.py makes the float
export of it.

    python3 models/embedded/train.py --data DIR --out cifar10_mobilenet_v2.pt [--epochs 17]
                                     [--threads 2] [--bfloat16]

About four minutes an epoch on one core; --bfloat16 pays where the CPU multiplies matrices of it
(AMX), and is slower than float32 elsewhere. Every epoch ends with a checkpoint (OUT.checkpoint),
and --resume goes on from it; --resume --finish-in N cuts the schedule short there: the learning
rate falls to 0 in N more epochs. --start EXPORT.safetensors begins a new schedule with the weights
of a float export.
"""
import argparse
import json
import os
import time

import torch
import torch.nn.functional as F

import cifar10
from network import CifarMobileNetV2


def augment(pixels, generator):
    """Random horizontal flip and a random 32x32 crop after padding by 4, an image each; u8 in, u8
    out."""
    count = len(pixels)
    padded = F.pad(pixels, (4, 4, 4, 4))
    dy = torch.randint(0, 9, (count,), generator=generator)
    dx = torch.randint(0, 9, (count,), generator=generator)
    rows = dy[:, None] + torch.arange(32)
    columns = dx[:, None] + torch.arange(32)
    flip = torch.rand(count, generator=generator) < 0.5
    columns[flip] = columns[flip].flip(1)
    image = torch.arange(count)[:, None, None]
    return padded.permute(0, 2, 3, 1)[image, rows[:, :, None],
                                      columns[:, None, :]].permute(0, 3, 1, 2)


def weights_of_export(path):
    """-> the state dict of a float export: its tensors stand under the module's own names
    (safetensors, float32)."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    state = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
        state[name] = values.reshape(entry["shape"])
    return state


@torch.no_grad()
def top1(model, pixels, labels):
    model.eval()
    correct = 0
    for start in range(0, len(pixels), 500):
        batch = cifar10.normalize(pixels[start : start + 500])
        correct += (model(batch).argmax(1) == labels[start : start + 500]).sum().item()
    return 100.0 * correct / len(pixels)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with train.tgz and test.tgz")
    parser.add_argument("--out", required=True, help="where the state dict goes")
    parser.add_argument("--epochs", type=int, default=17)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--peak-rate", type=float, default=0.25)
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16")
    parser.add_argument("--start", metavar="EXPORT",
                        help="float export whose weights to start from")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--finish-in", type=int, metavar="N",
                        help="with --resume: end after N more epochs")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    train_pixels, train_labels = cifar10.load(arguments.data, "train")
    test_pixels, test_labels = cifar10.load(arguments.data, "test")

    model = CifarMobileNetV2().to(memory_format=torch.channels_last)
    if arguments.start:
        missing, unexpected = model.load_state_dict(weights_of_export(arguments.start),
                                                    strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            parser.error(f"{arguments.start} holds another network: without {missing}, with "
                         f"{unexpected}")
    decayed = [p for p in model.parameters() if p.dim() > 1]
    undecayed = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 4e-4}, {"params": undecayed, "weight_decay": 0.0}],
        lr=arguments.peak_rate, momentum=0.9, nesterov=True)
    steps = len(train_pixels) // arguments.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.peak_rate,
                                                   total_steps=steps * arguments.epochs,
                                                   pct_start=0.2, final_div_factor=1e3)
    checkpoint = arguments.out + ".checkpoint"
    first_epoch = 0
    if arguments.resume and os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first_epoch = state["epoch"] + 1
    if arguments.finish_in:
        arguments.epochs = first_epoch + arguments.finish_in
        remaining = arguments.finish_in * steps
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer,
                                                     lambda step: max(0.0, 1.0 - step / remaining))

    for epoch in range(first_epoch, arguments.epochs):
        began = time.time()
        model.train()
        order = torch.randperm(len(train_pixels), generator=generator)
        total = 0.0
        for step in range(steps):
            chosen = order[step * arguments.batch : (step + 1) * arguments.batch]
            batch = cifar10.normalize(augment(train_pixels[chosen], generator))
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.bfloat16):
                logits = model(batch.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), train_labels[chosen], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        accuracy = top1(model, test_pixels, test_labels)
        print(f"epoch {epoch + 1}/{arguments.epochs}: loss {total / steps:.3f}, "
              f"test top-1 {accuracy:.2f} %, {time.time() - began:.0f} s", flush=True)
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(), "epoch": epoch}, checkpoint)
    torch.save({k: v.contiguous() for k, v in model.state_dict().items()}, arguments.out)


if __name__ == "__main__":
    main()
