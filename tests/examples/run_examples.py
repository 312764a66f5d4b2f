#!/usr/bin/env python3
"""Runs the installed examples on a sample image: the C and the C++ program must name what is drawn
on it. So must the C program where a CMake project without C++ builds it, and where pkg-config gives
a C compiler its flags.

    run_examples.py BUILD
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from PIL import Image

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


C_PROJECT = """cmake_minimum_required(VERSION 3.22)
project(c_alone LANGUAGES C)
find_package(octet REQUIRED)
add_executable(classify "{source}")
target_link_libraries(classify PRIVATE octet::octet)
"""


def check(program, model, picture):
    answer = subprocess.run([program, model, picture], check=True, capture_output=True,
                            text=True).stdout
    if not answer.startswith("ship "):
        sys.exit(f"{program} said {answer!r}, not ship")
    print(f"{os.path.basename(program)}: {answer.strip()}")
    wrong = subprocess.run([program, picture, picture], capture_output=True, text=True)
    if wrong.returncode != 1 or "not an octet model" not in wrong.stderr:
        sys.exit(f"{program} did not refuse a file that is no model: {wrong}")


def project_of_c_alone(prefix, folder):
    """-> the program that a CMake project without C++ builds on the installed package"""
    with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write(C_PROJECT.format(source=os.path.join(root, "examples/classify.c")))
    build = os.path.join(folder, "build")
    for command in (["cmake", "-S", folder, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"],
                    ["cmake", "--build", build]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(build, "classify")


def with_pkg_config(prefix, folder):
    """-> the program that a C compiler makes with the flags of octet.pc; None: no pkg-config
    here"""
    if shutil.which("pkg-config") is None:
        print("skipped: octet.pc (pkg-config is not installed)")
        return None
    found = glob.glob(os.path.join(prefix, "lib*/**/pkgconfig"), recursive=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "octet"], check=True,
                           capture_output=True, text=True,
                           env={**os.environ, "PKG_CONFIG_PATH": found[0]}).stdout.split()
    program = os.path.join(folder, "classify_pkg_config")
    library = os.path.dirname(found[0])
    subprocess.run([os.environ.get("CC", "cc"), os.path.join(root, "examples/classify.c"), "-o",
                    program, *flags, f"-Wl,-rpath,{library}"], check=True)
    return program


def main():
    build = os.path.abspath(sys.argv[1])
    prefix = os.path.join(build, "install")
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.octet")
        subprocess.run([os.path.join(build, "octet"), "convert",
                        os.path.join(root, "models/cifar10_mobilenet_v2.safetensors"), "-o", model],
                       check=True, stdout=subprocess.DEVNULL)
        picture = os.path.join(folder, "ship.ppm")
        Image.open(os.path.join(root, "models/samples/ship.png")).convert("RGB").resize(
            (32, 32)).save(picture)
        for program in ("classify_cpp", "classify_c"):
            check(os.path.join(build, "examples", program), model, picture)
        check(project_of_c_alone(prefix, folder), model, picture)
        program = with_pkg_config(prefix, folder)
        if program is not None:
            check(program, model, picture)


if __name__ == "__main__":
    main()
