#!/usr/bin/env python3
"""64-bit Arm without the hardware: instructions an inference takes, under qemu, and cycles of the hot loops, by llvm-mca.

    cmake --preset arm64-linux && cmake --build --preset arm64-linux
    python3 benchmarks/arm.py [--networks NAME...] [--isa neon dotprod i8mm] [--without-xnnpack] [--json FILE]
    python3 benchmarks/arm.py --loops

Counts are exact and repeatable, and no measure of time: they say what a kernel is made of. One inference is the
difference between a run of two and a run of one. XNNPACK is counted as the same CPU runs it: it finds dotprod by itself,
and Debian 12's does not know i8mm. The networks are those of networks.py, exported and converted where they are not yet.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import networks

HERE = os.path.dirname(os.path.abspath(__file__))
CPUS = {"neon": "cortex-a72", "dotprod": "cortex-a76", "i8mm": "max"}
# The loops are read with these models of cores. llvm's cortex-a76 is a model of another core.
MCA = {"neon": ["cortex-a55", "neoverse-n1"], "dotprod": ["cortex-a55", "neoverse-n1"], "i8mm": ["neoverse-n2"]}
MULTIPLY = {"neon": ("smlal2", 16), "dotprod": ("sdot", 16), "i8mm": ("usmmla", 32)}


def plugin(folder):
    """-> the path of the built plugin"""
    path = os.path.join(folder, "count_instructions.so")
    source = os.path.join(HERE, "count_instructions.c")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


def executed(arguments, isa, *command):
    """-> instructions that `octet COMMAND` executes"""
    environment = {**os.environ, "QEMU_CPU": CPUS[isa], "QEMU_PLUGIN": plugin(arguments.work), "QEMU_LOG": "plugin"}
    result = subprocess.run([arguments.octet, *command], capture_output=True, text=True, check=False, env=environment)
    found = re.search(r"instructions: (\d+)", result.stderr)
    if result.returncode != 0 or not found:
        sys.exit(f"octet {' '.join(command)}: {result.stderr.strip()}")
    return int(found.group(1))


def one_inference(arguments, isa, model, *options):
    """-> instructions of one inference, with those of the engines that it is measured against"""
    def runs(count):
        return executed(arguments, isa, "bench", model, "--isa", isa, "--threads", "1", "--warmup", "0", "--runs",
                        str(count), *options)
    return runs(2) - runs(1)


def count(arguments):
    os.makedirs(arguments.work, exist_ok=True)
    models = {}
    for name in arguments.networks:
        models[name] = os.path.join(arguments.work, name + ".octet")
        if not os.path.exists(models[name]):
            networks.run(arguments.octet, "convert", networks.export(name, arguments.work), "-o", models[name])
    results = []
    for isa in arguments.isa:
        print(f"\n{isa}, millions of instructions an image{'' if arguments.without_xnnpack else ', XNNPACK int8 beside it'}")
        for name, model in models.items():
            row = {"isa": isa, "network": name, "octet": one_inference(arguments, isa, model)}
            line = f"{name:16}{row['octet'] / 1e6:10.1f}"
            if not arguments.without_xnnpack:
                both = one_inference(arguments, isa, model, "--against", "xnnpack")
                row["xnnpack"] = both - row["octet"]
                line += f"{row['xnnpack'] / 1e6:10.1f}{row['xnnpack'] / row['octet']:8.2f}"
            print(line, flush=True)
            results.append(row)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


def loops_of(path):
    """-> (function, [instruction]) of each innermost loop of an object: a body that ends in a jump to its begin"""
    text = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "-C", "--no-show-raw-insn", path], capture_output=True,
                          text=True, check=True).stdout
    function, lines = "", []
    for line in text.splitlines():
        if line.endswith(">:"):
            function, lines = line.split("<", 1)[1][:-2], []
            continue
        found = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)
        if not found:
            continue
        address, name, operands = int(found[1], 16), found[2], found[3].split("//")[0].strip()
        lines.append((address, name, operands))
        target = re.match(r"([0-9a-f]+) <", operands)
        if name.startswith("b.") and target:
            body = [entry for entry in lines if entry[0] >= int(target[1], 16)]
            if body and body[0][0] == int(target[1], 16) and not any(n.startswith(("b", "cb", "tb")) for _, n, _ in body[:-1]
                                                                  if n != "bic"):
                yield function, body


def cycles(arguments):
    """The longest loop of each of the table's matrix products."""
    for isa in arguments.isa:
        path = os.path.join(os.path.dirname(arguments.octet), "..", "kernels", "CMakeFiles", "octet_kernels.dir",
                            f"arm_{isa}", "gemm.cc.o")
        name, products = MULTIPLY[isa]
        function, body = max(loops_of(path), key=lambda loop: sum(entry[1] == name for entry in loop[1]))
        macs = sum(entry[1] == name for entry in body) * products
        text = "\n".join(f"{n} {operands}" for _, n, operands in body[:-1]) + "\n"
        shown = re.sub(r"octet::kernels::|\(anonymous namespace\)::", "", function).split("(")[0]
        print(f"\n{isa}: {len(body)} instructions, {macs} multiply-accumulates ({shown})")
        for core in MCA[isa]:
            result = subprocess.run([arguments.mca, "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+dotprod,+i8mm", "-iterations=100"],
                                    input=text, capture_output=True, text=True, check=False)
            found = re.search(r"Total Cycles:\s+(\d+)", result.stdout)
            if not found:
                print(f"  {core}: {result.stderr.strip().splitlines()[:1]}")
                continue
            each = int(found[1]) / 100
            print(f"  {core}: {each:.0f} cycles, {macs / each:.1f} multiply-accumulates a cycle")


def main():
    build = os.path.join(networks.ROOT, "build-arm64")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octet", default=os.path.join(build, "tests", "octet"), help="starts octet under the emulator")
    parser.add_argument("--work", default=os.path.join(build, "networks"), help="where exports and models are")
    parser.add_argument("--networks", nargs="+", default=networks.NETWORKS, choices=networks.NETWORKS)
    parser.add_argument("--isa", nargs="+", default=list(CPUS), choices=list(CPUS))
    parser.add_argument("--without-xnnpack", action="store_true")
    parser.add_argument("--json", help="writes the counts to a file")
    parser.add_argument("--loops", action="store_true", help="cycles of the hot loops instead")
    parser.add_argument("--mca", default="llvm-mca", help="the program (Debian: llvm)")
    arguments = parser.parse_args()
    if arguments.loops:
        cycles(arguments)
    else:
        count(arguments)


if __name__ == "__main__":
    main()
