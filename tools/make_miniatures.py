"""Writes test/fixtures/miniatures: for each layout of datasets a tiny one with the structure and the file names that it is
published with.

Needs numpy, pillow, scipy and pyarrow. Run: python tools/make_miniatures.py [group ...]
"""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent / "test" / "fixtures" / "miniatures"
GROUPS = sorted(module.stem for module in (HERE / "miniatures").glob("[a-z]*.py"))

if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    for group in sys.argv[1:] or GROUPS:
        importlib.import_module(f"miniatures.{group}").make(ROOT)
