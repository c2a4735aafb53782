"""Fine-tune one of the checkpoints on our garment photos.

    pip install -r requirements.txt
    python train.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from onnx2torch import convert
from PIL import Image
from torch import nn
from torch.nn import functional as F

ARCHITECTURE = "resnet14"
CHECKPOINT = "checkpoints/resnet-digits.onnx"
DATASET = "data/fashion"

EPOCHS = 10
BATCH_SIZE = 32
LEARNING_RATE = 1e-3


def load_split(split, preprocessor):
    """Read a class-folder split: normalised images, labels and class names."""
    root = Path(DATASET) / split
    classes = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    images, labels = [], []
    for label, name in enumerate(classes):
        for path in sorted((root / name).glob("*.png")):
            images.append(np.asarray(Image.open(path).convert("L"), dtype=np.float32))
            labels.append(label)
    x = torch.from_numpy(np.stack(images)).unsqueeze(1) * preprocessor["rescale_factor"]
    x = (x - preprocessor["image_mean"][0]) / preprocessor["image_std"][0]
    return x, torch.tensor(labels), classes


def load_pretrained(path, num_classes):
    """Read the ONNX checkpoint and swap its last linear layer for a new head."""
    model = convert(path)
    name, head = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    setattr(model, name, nn.Linear(head.in_features, num_classes))
    return model


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    preprocessor = json.loads(Path(CHECKPOINT).with_name("preprocessor_config.json").read_text())
    x, y, classes = load_split("train", preprocessor)
    test_x, test_y, _ = load_split("test", preprocessor)

    model = load_pretrained(CHECKPOINT, len(classes))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    print(f"{ARCHITECTURE} from {CHECKPOINT}, {len(x)} images, {len(classes)} classes")

    for epoch in range(EPOCHS):
        model.train()
        for pick in torch.randperm(len(x)).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[pick]), y[pick])
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1:2d}  loss {loss.item():.3f}  test accuracy {evaluate(model, test_x, test_y):.3f}")


if __name__ == "__main__":
    main()
