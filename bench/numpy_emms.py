"""Times the published EMMS, as plain NumPy, on arrays that bench/score.ts wrote: python3 numpy_emms.py <folder>.

Standardises, solves both least-squares problems with numpy.linalg.lstsq and prints {"seconds", "score"} as JSON. What
NumPy needs before that (reading, spreading class embeddings over the samples) is not counted.
"""

import sys
from pathlib import Path

import numpy as np

from timing import print_fastest


def sparsemax(z):
    ordered = np.sort(z)[::-1]
    sums = np.cumsum(ordered)
    support = np.nonzero(1 + np.arange(1, len(z) + 1) * ordered > sums)[0][-1]
    return np.maximum(0, z - (sums[support] - 1) / (support + 1))


def emms(x, y):
    n, d2, k = y.shape
    for i in range(k):
        y[:, :, i] = (y[:, :, i] - np.mean(y[:, :, i], axis=0)) / (np.std(y[:, :, i], axis=0) + 1e-8)
    x = (x - np.mean(x, axis=0)) / (np.std(x, axis=0) + 1e-8)
    w = np.linalg.lstsq(x, np.dot(y, np.full(k, 1 / k)), rcond=None)[0]
    fitted = np.dot(x, w)
    weights = sparsemax(np.linalg.lstsq(y.reshape(n * d2, k), fitted.reshape(n * d2), rcond=None)[0])
    return -np.sum((fitted - np.dot(y, weights)) ** 2) / n * d2


folder = Path(sys.argv[1])
features = np.load(folder / "features.npy").astype(np.float64)
embeddings = np.load(folder / "label_embeddings.npy").astype(np.float64)
labels = folder / "labels.npy"
if labels.exists():
    embeddings = embeddings[:, np.load(labels)]
targets = np.ascontiguousarray(np.moveaxis(embeddings, 0, 2))
# The published code standardises the targets in place.
print_fastest(emms, lambda: (features, targets.copy()))
