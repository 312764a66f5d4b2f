#!/usr/bin/env python3
"""Writes the image files of tests/tools/image_golden.json into a folder, as seeds for
octet_fuzz_image."""
import json
import os
import sys

if len(sys.argv) != 2:
    sys.exit(f"usage: {sys.argv[0]} FOLDER")
golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools",
                      "image_golden.json")
os.makedirs(sys.argv[1], exist_ok=True)
with open(golden, encoding="utf-8") as file:
    cases = json.load(file)
for index, case in enumerate(cases):
    with open(os.path.join(sys.argv[1], f"{index:03}"), "wb") as file:
        file.write(bytes.fromhex(case["file"]))
