#!/usr/bin/env python3
"""Averages the weights of two state dicts of the embedded default (Izmailov et al. 2018, "Averaging
Weights Leads to Wider Optima and Better Generalization"): two ends of training that began at the
same place.

    python3 models/embedded/average.py FIRST.pt SECOND.pt --out cifar10_mobilenet_v2.pt
"""
import argparse

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    first, second = torch.load(arguments.first), torch.load(arguments.second)
    if first.keys() != second.keys():
        parser.error(f"{arguments.first} and {arguments.second} are of different networks")
    torch.save({name: (value + second[name]) / 2 if value.is_floating_point() else value
                for name, value in first.items()}, arguments.out)


if __name__ == "__main__":
    main()
