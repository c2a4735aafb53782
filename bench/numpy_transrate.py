"""Times TransRate, as plain NumPy, on arrays that bench/score.ts wrote: python3 numpy_transrate.py <folder>.

The listing in the appendix of "Frustratingly Easy Transferability Estimation" (Huang et al., ICML 2022), with the
ε = 1e-4 of the published EMMS code. Prints {"seconds", "score"} as JSON; reading is not counted.
"""

import sys
from pathlib import Path

import numpy as np

from timing import print_fastest


def coding_rate(z, eps=1e-4):
    n, d = z.shape
    _, rate = np.linalg.slogdet(np.eye(d) + 1 / (n * eps) * z.transpose() @ z)
    return 0.5 * rate


def transrate(z, y, eps=1e-4):
    z = z - np.mean(z, axis=0, keepdims=True)
    classes = np.unique(y)
    return coding_rate(z, eps) - sum(coding_rate(z[(y == c).flatten()], eps) for c in classes) / len(classes)


folder = Path(sys.argv[1])
features = np.load(folder / "features.npy").astype(np.float64)
labels = np.load(folder / "labels.npy")
print_fastest(lambda: transrate(features, labels))
