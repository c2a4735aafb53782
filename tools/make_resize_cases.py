"""Writes test/fixtures/resize/cases.json: what torchvision's Resize and CenterCrop on PIL images make of a small picture.

Needs Pillow and torchvision. Run from anywhere: python tools/make_resize_cases.py
"""

import base64
import json
from pathlib import Path

import numpy as np
import PIL
import torchvision
from PIL import Image
from torchvision import transforms

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "resize"
KERNELS = {
    "nearest": transforms.InterpolationMode.NEAREST,
    "box": transforms.InterpolationMode.BOX,
    "linear": transforms.InterpolationMode.BILINEAR,
    "hamming": transforms.InterpolationMode.HAMMING,
    "cubic": transforms.InterpolationMode.BICUBIC,
    "lanczos3": transforms.InterpolationMode.LANCZOS,
}
# (width, height) of the picture, what Resize is given, side of the crop
SHAPES = [((47, 31), 16, 13), ((31, 47), (30, 22), 15), ((13, 11), 33, 32), ((40, 40), (14, 14), 14)]


def picture(width, height):
    """Smooth colours with sharp edges."""
    y, x = np.mgrid[0:height, 0:width]
    red = (x * 255) // width
    green = 255 * (((x // 5) + (y // 3)) % 2)
    blue = ((x * x + 3 * y * y) * 7) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = []
    for (width, height), resize, crop in SHAPES:
        pixels = picture(width, height)
        for kernel, mode in KERNELS.items():
            steps = transforms.Compose([transforms.Resize(resize, mode), transforms.CenterCrop(crop)])
            expected = np.asarray(steps(Image.fromarray(pixels)))
            cases.append(
                {
                    "width": width,
                    "height": height,
                    "resize": resize,
                    "crop": crop,
                    "kernel": kernel,
                    "pixels": base64.b64encode(pixels.tobytes()).decode(),
                    "expected": base64.b64encode(expected.tobytes()).decode(),
                }
            )
    made_by = f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
    text = json.dumps({"madeBy": made_by, "cases": cases})
    (FOLDER / "cases.json").write_text(text + "\n")
