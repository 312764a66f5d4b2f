#!/usr/bin/env python3
"""Whole networks: exports mobilenet_v2, resnet18, resnet50 and blaze, and measures octet beside
other engines.

    python3 benchmarks/networks.py [--octet build/octet] [--work DIR]
                                   [--against onednn xnnpack float] [--threads 1 2]
                                   [--isa avx2 avxvnni] [--networks NAME...] [--json FILE]
    python3 benchmarks/networks.py --sessions

Prints a table for each number of threads and each instruction set; with --sessions what a session
costs instead: the time to make it (packing included) and its memory. Exporting needs PyTorch, which
export_network.py is run with: any Python here that has it will do. What is exported stays in
--work, and is not exported again.
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
NETWORKS = ["mobilenet_v2", "resnet18", "resnet50", "blaze"]
ENGINES = ["onednn", "xnnpack", "float"]
# Session creation, in ms, that a user accepts.
CREATE_MS = {"mobilenet_v2": 30, "resnet50": 300}
SESSIONS = 5  # made, one after the other, to take the middle one's time


def python_with_torch():
    """-> the first Python here that can export. One of the user's own often comes first in PATH and
    has no PyTorch."""
    for candidate in (sys.executable, "python3", "/usr/bin/python3"):
        try:
            found = subprocess.run([candidate, "-c", "import torch, torchvision"],
                                   capture_output=True, check=False)
        except OSError:
            continue
        if found.returncode == 0:
            return candidate
    sys.exit("networks.py: no Python here has PyTorch and torchvision, which export the networks; "
             "on Debian, third_party/install_debian.sh pytorch installs them for /usr/bin/python3")


def export(name, folder):
    """Writes NAME.safetensors, unless it is there. -> its path"""
    path = os.path.join(folder, name + ".safetensors")
    if not os.path.exists(path):
        result = subprocess.run([python_with_torch(), os.path.join(HERE, "export_network.py"), name,
                                 path], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"networks.py: {name} could not be exported: {result.stderr.strip()}")
    return path


def run(octet, *command):
    """-> what octet prints"""
    try:
        result = subprocess.run([octet, *command], capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"networks.py: {octet} does not run ({error.strerror}): build it first (cmake "
                 "--build build --target octet_tool), or say where it is (--octet)")
    if result.returncode != 0:
        sys.exit(f"octet {' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def engines_of(octet):
    """-> those of ENGINES that this octet was built with"""
    described = run(octet, "bench", "--help")
    here = [engine for engine in ENGINES if f"{engine}: " in described]
    for engine in ENGINES:
        if engine not in here:
            print(f"without {engine}: this octet was built without it "
                  "(third_party/install_debian.sh benchmark, then cmake again)")
    return here


def convert(arguments):
    """-> by network, the path of its model"""
    os.makedirs(arguments.work, exist_ok=True)
    models = {}
    for name in arguments.networks:
        models[name] = os.path.join(arguments.work, name + ".octet")
        run(arguments.octet, "convert", export(name, arguments.work), "-o", models[name])
    return models


def measure(arguments, models, threads, isa):
    """-> what octet bench says of each network"""
    options = ["--threads", threads, "--json"]
    if isa:
        options += ["--isa", isa]
    for engine in arguments.against:
        options += ["--against", engine]
    return [{"network": name, **json.loads(run(arguments.octet, "bench", model, *options))}
            for name, model in models.items()]


def print_table(results):
    first = results[0]
    engines = [entry["engine"] for entry in first.get("against", [])]
    print(f"\none image, median ms; octet on {first['isa']}, threads: {first['threads']}; ratio = "
          "theirs / octet")
    print(f"{'':16}{'10^6 MACs':>10}{'octet':>9}" + "".join(f"{engine:>10}{'ratio':>8}"
                                                            for engine in engines))
    for result in results:
        row = f"{result['network']:16}{result['macs'] / 1e6:10.0f}{result['median_ms']:9.2f}"
        for entry in result.get("against", []):
            row += f"{entry['median_ms']:10.2f}{entry['ratio']:8.2f}"
        print(row + ("" if result["quiet"] else "  (not quiet)"))
    if not all(result["quiet"] for result in results):
        print("not quiet: other programs took cores away while it was measured; measure again")
    for i, engine in enumerate(engines):
        product = 1.0
        for result in results:
            product *= 1 / result["against"][i]["ratio"]
        print(f"geometric mean of octet / {engine}: {product ** (1 / len(results)):.3f}")


def print_sessions(arguments, models):
    """Session creation and peak memory beside what they may be."""
    print(f"\n{'':16}{'create ms':>10}{'may be':>8}{'weights':>11}{'packed':>11}{'arena':>10}"
          f"{'at least':>10}{'scratch':>9}{'peak':>11}{'may be':>11}")
    options = ["--threads", arguments.threads[0], "--runs", "1", "--warmup", "0", "--json"]
    if arguments.isa:
        options += ["--isa", arguments.isa[0]]
    for name, model in models.items():
        made = sorted((json.loads(run(arguments.octet, "bench", model, *options))
                       for _ in range(SESSIONS)),
                      key=lambda result: result["create_ms"])[SESSIONS // 2]
        may_take = made["weight_bytes"] + int(1.2 * made["arena_lower_bound"])
        print(f"{name:16}{made['create_ms']:10.1f}{CREATE_MS.get(name, ''):>8}"
              f"{made['weight_bytes']:11}{made['packed_bytes']:11}{made['arena_bytes']:10}"
              f"{made['arena_lower_bound']:10}{made['scratch_bytes']:9}{made['peak_bytes']:11}"
              f"{may_take:11}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octet", default=os.path.join(ROOT, "build", "octet"))
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "networks"),
                        help="where the models go")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--against", nargs="*",
                        help="default: " + " ".join(ENGINES) + ", as far as octet has them")
    parser.add_argument("--threads", nargs="+", default=["1"])
    parser.add_argument("--isa", nargs="+", default=[], help="hold octet and, where it can be "
                        "held, the other engine to an instruction set")
    parser.add_argument("--json", help="the measurements as JSON lines")
    parser.add_argument("--sessions", action="store_true", help="what a session costs, instead")
    arguments = parser.parse_args()
    if arguments.against is None:
        arguments.against = engines_of(arguments.octet)
    models = convert(arguments)
    if arguments.sessions:
        print_sessions(arguments, models)
        return
    lines = []
    for threads in arguments.threads:
        for isa in arguments.isa or [None]:
            results = measure(arguments, models, threads, isa)
            print_table(results)
            lines += results
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            for result in lines:
                file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
