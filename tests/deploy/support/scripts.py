"""Programs of this repository that are written in Python, as modules for tests."""
import importlib.machinery
import importlib.util
import pathlib

import tools


def script(path):
    """A Python program of this repository as a module."""
    name = pathlib.Path(path).name.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(name, str(tools.ROOT / path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module
