"""Writes test/fixtures/networks: for each family a small network made by the library that publishes it, in the containers
that it is published in, with the features that PyTorch computes.

Needs torch, torchvision, timm, transformers, open_clip_torch and safetensors; for ONNX files also onnx and
onnxconverter-common.
Run: python tools/make_fixtures.py [cnn] [vit] [text] [captioners] [multimodal] [onnx] [runs]
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "networks"
KINDS = ["cnn", "vit", "text", "captioners", "multimodal", "onnx", "runs"]

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    for kind in sys.argv[1:] or KINDS:
        importlib.import_module(f"fixtures.{kind}").make(ROOT / kind)
