"""Collects what bench/gpu needs beside a clone on a machine with PyTorch for CUDA, where nothing can be built or fetched.

The folder has the programs, the libraries that they load beside LibTorch and the C and C++ libraries, wheels of packages
that such a machine may lack, and, with --vico, the authors' networks. The programs must have been built against the
machine's version of PyTorch. There, run bench/gpu --build FOLDER --python python3.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

PROGRAMS = ("vico-bench-speed", "vico-bench-device", "vico-bench-resume")
WHEELS = ("diffusers", "importlib_metadata", "zipp", "einops")
# Every machine has these, and they belong to its C library.
THERE = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|stdc\+\+|gcc_s|cuda))\.so")
MOST_MIB = 64
ROOT = pathlib.Path(__file__).resolve().parent.parent
ABOUT = "packed.json"


def output_of(command):
    """What a command prints; nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def about(build):
    """What is known of a packed folder; {} of another."""
    path = pathlib.Path(build) / ABOUT
    return json.loads(path.read_text()) if path.exists() else {}


def unpack(build, python, folder):
    """Prepares a run in a packed folder; else nothing. Wheels go to `folder` and into PYTHONPATH. Returns the words before a
    command of this code, and why no such command can run."""
    known = about(build)
    if not known:
        return [], None
    for wheel in (pathlib.Path(build) / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    os.environ["PYTHONPATH"] = folder
    asked = [python, "-c", "import os, torch; print(torch.__version__, os.path.dirname(torch.__file__))"]
    version, _, torch = output_of(asked).partition(" ")
    if version.split("+")[0] != known["torch"]:
        return [], f"packed for torch {known['torch']}, but Python has {version or 'none'}"
    libraries = os.pathsep.join([str(pathlib.Path(build).resolve() / "lib"), os.path.join(torch, "lib")])
    return ["env", f"LD_LIBRARY_PATH={libraries}"], None


def torch_version(build):
    for path in ("torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"):
        header = build / "libtorch" / path
        numbers = re.findall(r"define TORCH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read_text() if header.exists() else "")
        if len(numbers) == 3:
            return ".".join(numbers)
    sys.exit(f"gpu: {build}/libtorch does not tell its version")


def libraries(build, program):
    """Those that the other machine lacks. LibTorch's, and NVIDIA's beside them, are part of its PyTorch."""
    torch = (build / "libtorch/ATen").resolve().parent.parent
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        path = pathlib.Path(path.split(" (")[0]).resolve()
        if arrow and not THERE.match(name) and torch.parent not in path.parents:
            yield name, path


def copy_stripped(source, target):
    shutil.copy(source, target)
    target.chmod(0o755)
    subprocess.run(["strip", "--strip-unneeded", target], check=True)


def add_programs(build, folder):
    for name in ("bin", "lib"):
        (folder / name).mkdir()
    for name in PROGRAMS:
        copy_stripped(build / "bin" / name, folder / "bin" / name)
        for library, path in libraries(build, build / "bin" / name):
            copy_stripped(path, folder / "lib" / library)


def add_wheels(folder):
    """In the versions of bench/peers."""
    text = (ROOT / "scripts/requirements/peers.txt").read_text()
    wanted = [match[0] for match in re.finditer(r"(?m)^(\S+?)==.*(?:\n    .*)*", text) if match[1] in WHEELS]
    assert len(wanted) == len(WHEELS), "peers.txt lacks a package of WHEELS"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as asked:
        asked.write("\n".join(wanted) + "\n")
        asked.flush()
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                        "--require-hashes", "--dest", folder / "wheels", "-r", asked.name], check=True)


def size_mib(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2 ** 20


def pack(build, folder, vico):
    build = pathlib.Path(build)
    if folder.exists():
        sys.exit(f"gpu: --pack: {folder} exists")
    folder.mkdir(parents=True)
    add_programs(build, folder)
    add_wheels(folder)
    if vico:
        shutil.copytree(pathlib.Path(vico) / "ldm", folder / "ViCo/ldm",
                        ignore=lambda _, names: [name for name in names if "." in name and not name.endswith(".py")])
    commit = output_of(["git", "-C", ROOT, "describe", "--always", "--dirty"])
    (folder / ABOUT).write_text(json.dumps({"torch": torch_version(build), "commit": commit}) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="bench/gpu --pack", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=pathlib.Path, required=True, metavar="FOLDER", help="a folder that is made")
    parser.add_argument("--build", required=True, help="a build of the preset cuda")
    parser.add_argument("--vico", metavar="DIR", help="checkout of github.com/haoosz/ViCo at 4ac2463, the authors' code")
    parser.add_argument("--device", help=argparse.SUPPRESS)
    options = parser.parse_args()
    pack(options.build, options.pack, options.vico)
    size = size_mib(options.pack)
    print(f"{options.pack}: {size:.1f} MiB, for torch {about(options.pack)['torch']}")
    if size > MOST_MIB:
        sys.exit(f"gpu: more than {MOST_MIB} MiB")


if __name__ == "__main__":
    main()
