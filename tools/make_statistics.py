"""Writes test/fixtures/statistics/timm.json: how timm normalises images for each of its published weights, of the families
of networks that are built here.

Needs timm. Run from anywhere: python tools/make_statistics.py
"""

import json
import re
from pathlib import Path

import timm
from timm.models import get_pretrained_cfg, is_model_in_modules, list_pretrained

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "statistics"
MODULES = ["beit", "convnext", "deit", "densenet", "efficientnet", "mobilenetv3", "pvt_v2", "resnet", "swin_transformer"]
MODULES += ["swin_transformer_v2", "vgg", "vision_transformer"]
OTHERS = r"test_|mobilenetv4|mobilenet_edgetpu"

if __name__ == "__main__":
    weights = {}
    for name in sorted(list_pretrained()):
        architecture = name.split(".")[0]
        if is_model_in_modules(architecture, MODULES) and not re.match(OTHERS, name):
            cfg = get_pretrained_cfg(name)
            weights.setdefault(json.dumps([cfg.mean, cfg.std]), []).append(name)
    groups = [{"mean": m, "std": s, "names": names} for (m, s), names in ((json.loads(k), v) for k, v in weights.items())]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "timm.json").write_text(json.dumps({"madeBy": f"timm {timm.__version__}", "groups": groups}) + "\n")
