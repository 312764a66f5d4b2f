#!/usr/bin/env python3
"""Runs the installed examples on a sample image: the C and the C++ program must name what is drawn on it.

    run_examples.py BUILD
"""
import os
import subprocess
import sys
import tempfile

from PIL import Image

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.octet")
        subprocess.run([os.path.join(build, "octet"), "convert",
                        os.path.join(root, "models/cifar10_mobilenet_v2.safetensors"), "-o", model],
                       check=True, stdout=subprocess.DEVNULL)
        picture = os.path.join(folder, "ship.ppm")
        Image.open(os.path.join(root, "models/samples/ship.png")).convert("RGB").resize((32, 32)).save(picture)
        for program in ("classify_cpp", "classify_c"):
            path = os.path.join(build, "examples", program)
            answer = subprocess.run([path, model, picture], check=True, capture_output=True, text=True).stdout
            if not answer.startswith("ship "):
                sys.exit(f"{program} said {answer!r}, not ship")
            print(f"{program}: {answer.strip()}")
            wrong = subprocess.run([path, picture, picture], capture_output=True, text=True)
            if wrong.returncode != 1 or "not an octet model" not in wrong.stderr:
                sys.exit(f"{program} did not refuse a file that is no model: {wrong}")


if __name__ == "__main__":
    main()
