"""Finds the programs and Python modules that the deployment tests need."""
import os
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vico"


def need(*names):
    """Returns the paths of these programs. Exits with 77, which means skipped, if one is missing."""
    found = []
    for name in names:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{CACHE / 'tools'}:/usr/sbin")
        if not path:
            print(f"skipped: {name} is missing; scripts/bootstrap --tests installs it")
            sys.exit(77)
        found.append(path)
    return found


def need_modules(*names):
    """Exits with 77 if a Python module is missing."""
    import importlib.util
    for name in names:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:  # its parent package is missing
            found = None
        if found is None:
            print(f"skipped: Python's {name} is missing; scripts/bootstrap --tests installs it")
            sys.exit(77)
