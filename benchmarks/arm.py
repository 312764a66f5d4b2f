#!/usr/bin/env python3
"""64-bit Arm without the hardware: instructions an inference takes, under qemu, and cycles of the
hot loops, by llvm-mca.

    cmake --preset arm64-linux && cmake --build --preset arm64-linux
    python3 benchmarks/arm.py [--networks NAME...] [--isa neon dotprod i8mm] [--without-xnnpack]
                              [--json FILE]
    python3 benchmarks/arm.py --loops

Counts are exact and repeatable, and no measure of time: they say what a kernel is made of. One
inference is the difference between a run of two and a run of one. XNNPACK is counted as the same
CPU runs it: it finds dotprod by itself, and Debian 12's does not know i8mm. The networks are those
of networks.py, exported and converted where they are not yet.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

import networks

HERE = os.path.dirname(os.path.abspath(__file__))
CPUS = {"neon": "cortex-a72", "dotprod": "cortex-a76", "i8mm": "max"}
# neoverse-n1 is cortex-a76's; llvm has no model of that by itself.
CORES = ["cortex-a55", "neoverse-n1", "neoverse-n2"]
MCA = {"neon": CORES, "dotprod": CORES, "i8mm": ["neoverse-n2"]}
# Multiply-accumulates of an instruction.
MULTIPLY = {"neon": {"smull": 8, "smull2": 8, "smlal": 8, "smlal2": 8}, "dotprod": {"sdot": 16},
            "i8mm": {"usmmla": 32, "usdot": 16}}
RESULT = {**dict.fromkeys(["smull", "smull2", "smlal", "smlal2"], "8h"),
          **dict.fromkeys(["sdot", "usmmla", "usdot"], "4s")}
OPERAND = {**dict.fromkeys(["smull", "smlal"], "8b"),
           **dict.fromkeys(["smull2", "smlal2", "sdot", "usmmla", "usdot"], "16b")}
# Of dense layers the loop over the products alone; of depthwise layers, which have none, all that
# some columns take.
Loop = collections.namedtuple("Loop", "name file function innermost")
# A function is known by its template arguments: of depthwise layers the last numbers are taps and
# stride.
LOOPS = [Loop("dense", "gemm.cc.o", r"run_tiles", True),
         Loop("depthwise 3x3", "depthwise.cc.o", r"ColumnsShape\{[\d, ]*, 3, 1\b", False),
         Loop("depthwise 3x3 /2", "depthwise.cc.o", r"ColumnsShape\{[\d, ]*, 3, 2\b", False),
         Loop("depthwise 5x5", "depthwise.cc.o", r"ColumnsShape\{[\d, ]*, 5, 1\b", False),
         Loop("depthwise 5x5 /2", "depthwise.cc.o", r"ColumnsShape\{[\d, ]*, 5, 2\b", False)]


def plugin(folder):
    """-> the path of the built plugin"""
    path = os.path.join(folder, "count_instructions.so")
    source = os.path.join(HERE, "count_instructions.c")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


def executed(arguments, isa, *command):
    """-> instructions that `octet COMMAND` executes"""
    environment = {**os.environ, "QEMU_CPU": CPUS[isa], "QEMU_PLUGIN": plugin(arguments.work),
                   "QEMU_LOG": "plugin"}
    result = subprocess.run([arguments.octet, *command], capture_output=True, text=True,
                            check=False, env=environment)
    found = re.search(r"instructions: (\d+)", result.stderr)
    if result.returncode != 0 or not found:
        sys.exit(f"octet {' '.join(command)}: {result.stderr.strip()}")
    return int(found.group(1))


def one_inference(arguments, isa, model, *options):
    """-> instructions of one inference, with those of the engines that it is measured against"""
    def runs(count):
        return executed(arguments, isa, "bench", model, "--isa", isa, "--threads", "1", "--warmup",
                        "0", "--runs", str(count), *options)
    return runs(2) - runs(1)


def count(arguments):
    os.makedirs(arguments.work, exist_ok=True)
    models = {}
    for name in arguments.networks:
        models[name] = os.path.join(arguments.work, name + ".octet")
        if not os.path.exists(models[name]):
            networks.run(arguments.octet, "convert", networks.export(name, arguments.work), "-o",
                         models[name])
    results = []
    for isa in arguments.isa:
        print(f"\n{isa}, millions of instructions an "
              f"image{'' if arguments.without_xnnpack else ', XNNPACK int8 beside it'}")
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


def functions_of(path):
    """-> {name: [(address, mnemonic, operands)]} of an object"""
    text = subprocess.run(["aarch64-linux-gnu-objdump", "-dC", "--no-show-raw-insn", path],
                          capture_output=True, text=True, check=True).stdout
    functions = {}
    for line in text.splitlines():
        name = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if name:
            lines = functions.setdefault(name[1], [])
        instruction = re.match(r"\s+([0-9a-f]+):\t(\S+)\s*(.*)", line)
        if instruction:
            lines.append((int(instruction[1], 16), instruction[2], instruction[3].split(" //")[0]))
    return functions


IS_JUMP = re.compile(r"b$|b\.|cbn?z$|tbn?z$")


def rounds_of(lines, innermost):
    """-> each way once around a loop that begins at a backward jump's target, as its instructions;
    `innermost`: of loops without a jump to within them"""
    at = {address: index for index, (address, _, _) in enumerate(lines)}

    def target(operands):
        found = re.search(r"([0-9a-f]+) <", operands)
        return at.get(int(found[1], 16)) if found else None

    back = [(target(operands), index) for index, (_, name, operands) in enumerate(lines)
            if IS_JUMP.match(name) and target(operands) is not None and target(operands) <= index]
    if innermost:
        for head, end in back:
            if lines[end][1] == "b":  # back from a way that is laid aside
                continue
            within = [target(operands) for _, name, operands in lines[head:end]
                      if IS_JUMP.match(name)]
            if not any(to is not None and head <= to <= end for to in within):
                yield lines[head:end + 1]
        return
    for head in {head for head, _ in back}:
        open_ways = [(head, [])]
        while open_ways:
            index, way = open_ways.pop()
            while True:
                _, name, operands = lines[index]
                way = way + [index]
                nexts = [] if name in ("ret", "br") else [index + 1] if name != "b" else []
                if IS_JUMP.match(name):
                    nexts.append(target(operands))
                nexts = [n for n in nexts
                         if n is not None and n < len(lines) and (n == head or n not in way)]
                if head in nexts:
                    yield [lines[i] for i in way]
                nexts = [n for n in nexts if n != head]
                if not nexts or len(way) > 2000:
                    break
                open_ways += [(n, way) for n in nexts[1:]]
                index = nexts[0]


def products(body, names):
    return sum(names.get(name, 0) for _, name, _ in body)


def hot_round(path, loop, names):
    """-> the round with the most products, and of those that call nothing the shortest: what runs
    where nothing is special"""
    rounds = (body for function, lines in functions_of(path).items()
              if re.search(loop.function, function) for body in rounds_of(lines, loop.innermost)
              if all(name != "bl" for _, name, _ in body))
    return max(rounds, key=lambda body: (products(body, names), -len(body)))


def simulated_cycles(arguments, core, text):
    """-> cycles that llvm-mca gives for once through the instructions, when they repeat"""
    result = subprocess.run([arguments.mca, "-mtriple=aarch64", f"-mcpu={core}",
                             "-mattr=+dotprod,+i8mm", "-iterations=100"],
                            input=text, capture_output=True, text=True, check=False)
    found = re.search(r"Total Cycles:\s+(\d+)", result.stdout)
    if not found:
        sys.exit(f"{arguments.mca}: {result.stderr.strip()}")
    return int(found[1]) / 100


def cycles(arguments):
    """The hot loops, and as their measure the multiplications alone, none of which waits for
    another."""
    kernels = os.path.join(os.path.dirname(arguments.octet), "..", "kernels", "CMakeFiles")
    for isa in arguments.isa:
        print(f"\n{isa:40}" + "".join(f"{core:>22}" for core in MCA[isa]))
        for loop in LOOPS:
            names = MULTIPLY[isa]
            body = hot_round(os.path.join(kernels, f"octet_isa_{isa}.dir", f"arm_{isa}", loop.file),
                             loop, names)
            macs = products(body, names)
            kinds = [name for _, name, _ in body if name in names]
            alone = [f"{name} v{i % 24}.{RESULT[name]}, v30.{OPERAND[name]}, v31.{OPERAND[name]}"
                     for i, name in enumerate(kinds)]
            # Addresses that the assembler knows as labels do not matter here.
            text = "\n".join(f"{n} {o}" for _, n, o in body if not IS_JUMP.match(n)) + "\n"
            line = f"{loop.name:18}{len(body):4} instructions {macs:5}"
            for core in MCA[isa]:
                each = simulated_cycles(arguments, core, text)
                line += (f"{each:8.0f} {macs / each:5.1f} "
                         f"{simulated_cycles(arguments, core, chr(10).join(alone)) / each:6.0%}")
            print(line)
    print("\nof each core: cycles, multiply-accumulates a cycle, share of what its multiplications "
          "alone would reach")


def main():
    build = os.path.join(networks.ROOT, "build-arm64")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octet", default=os.path.join(build, "tests", "octet"),
                        help="starts octet under the emulator")
    parser.add_argument("--work", default=os.path.join(build, "networks"),
                        help="where exports and models are")
    parser.add_argument("--networks", nargs="+", default=networks.NETWORKS,
                        choices=networks.NETWORKS)
    parser.add_argument("--isa", nargs="+", default=list(CPUS), choices=list(CPUS))
    parser.add_argument("--without-xnnpack", action="store_true")
    parser.add_argument("--json", help="writes the counts to a file")
    parser.add_argument("--loops", action="store_true", help="cycles of the hot loops instead")
    parser.add_argument("--mca", default="llvm-mca-19",
                        help="the program, 19 or newer (Debian: llvm-19)")
    arguments = parser.parse_args()
    if arguments.loops:
        cycles(arguments)
    else:
        count(arguments)


if __name__ == "__main__":
    main()
