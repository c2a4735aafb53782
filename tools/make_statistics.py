"""Writes test/fixtures/statistics: how images are prepared for published weights of the families of networks that are built
here. timm.json has timm's statistics, torchvision.json the steps for each of torchvision's files whose family it prepares
images for in several ways.

Needs timm and torchvision. Run from anywhere: python tools/make_statistics.py
"""

import json
import re
from pathlib import Path

import timm
import torchvision
from timm.models import get_pretrained_cfg, is_model_in_modules, list_pretrained

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "statistics"
MODULES = ["beit", "convnext", "deit", "densenet", "efficientnet", "mobilenetv3", "pvt_v2", "resnet", "swin_transformer"]
MODULES += ["swin_transformer_v2", "vgg", "vision_transformer"]
OTHERS = r"test_|mobilenetv4|mobilenet_edgetpu"

SEVERAL_WAYS = r"mnasnet|mobilenet_|regnet_|(wide_)?resne(x?)t"


def timm_statistics():
    weights = {}
    for name in sorted(list_pretrained()):
        architecture = name.split(".")[0]
        if is_model_in_modules(architecture, MODULES) and not re.match(OTHERS, name):
            cfg = get_pretrained_cfg(name)
            weights.setdefault(json.dumps([cfg.mean, cfg.std]), []).append(name)
    groups = [{"mean": m, "std": s, "names": names} for (m, s), names in ((json.loads(k), v) for k, v in weights.items())]
    return {"madeBy": f"timm {timm.__version__}", "groups": groups}


def torchvision_files():
    files = {}
    for name in torchvision.models.list_models(module=torchvision.models):
        for weights in torchvision.models.get_model_weights(name) if re.match(SEVERAL_WAYS, name) else []:
            steps = weights.transforms()
            kernel = {"bilinear": "linear", "bicubic": "cubic"}[steps.interpolation.value]
            file = weights.url.rsplit("/", 1)[-1].removesuffix(".pth")
            files[file] = {"size": steps.crop_size[0], "resize": steps.resize_size[0], "kernel": kernel}
    return {"madeBy": f"torchvision {torchvision.__version__}", "files": files}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in {"timm": timm_statistics(), "torchvision": torchvision_files()}.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(made) + "\n")
