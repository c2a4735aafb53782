"""Times the published LogME, as plain NumPy, on arrays that bench/score.ts wrote: python3 numpy_logme.py <folder> [regression].

The fixed-point code of "Ranking and Tuning Pre-trained Models" (You et al., JMLR 2022): one singular value decomposition
per fit, then every target column on its own. `regression` fits each label embedding, spread over the samples, and averages.
Prints {"seconds", "score"} as JSON; reading and spreading are not counted.
"""

import sys
from pathlib import Path

import numpy as np

from timing import print_fastest


def truncated_svd(x):
    u, s, vh = np.linalg.svd(x.transpose() @ x)
    s = np.sqrt(s)
    u_times_sigma = x @ vh.transpose()
    k = np.sum(s > 1e-10)
    s = s[:k].reshape(-1, 1)
    vh = vh[:k]
    return u_times_sigma[:, :k] / s.reshape(1, -1), s, vh


def logme(f, columns):
    n, d = f.shape
    u, s, vh = truncated_svd(f) if n > d else np.linalg.svd(f, full_matrices=False)
    s = s.reshape(-1, 1)
    sigma = s**2
    evidences = []
    for y in columns:
        y = y.reshape(-1, 1)
        x = u.T @ y
        x2 = x**2
        res_x2 = (y**2).sum() - x2.sum()
        alpha, beta = 1.0, 1.0
        for _ in range(11):
            t = alpha / beta
            gamma = (sigma / (sigma + t)).sum()
            m2 = (sigma * x2 / ((t + sigma) ** 2)).sum()
            res2 = (x2 / ((1 + sigma / t) ** 2)).sum() + res_x2
            alpha = gamma / (m2 + 1e-5)
            beta = (n - gamma) / (res2 + 1e-5)
            evidence = (
                d / 2 * np.log(alpha)
                + n / 2 * np.log(beta)
                - 0.5 * np.sum(np.log(alpha + beta * sigma))
                - beta / 2 * res2
                - alpha / 2 * m2
                - n / 2 * np.log(2 * np.pi)
            )
            if abs(alpha / beta - t) / t <= 1e-3:
                break
        # The published code keeps the weights of every column for predictions.
        vh.T @ (1 / (t + sigma) * s * x)
        evidences.append(evidence / n)
    return np.mean(evidences)


folder = Path(sys.argv[1])
features = np.load(folder / "features.npy").astype(np.float64)
labels = np.load(folder / "labels.npy")
if sys.argv[2:] == ["regression"]:
    embeddings = np.load(folder / "label_embeddings.npy").astype(np.float64)
    targets = [embedding[labels].T for embedding in embeddings]
else:
    targets = [np.array([labels == c for c in range(labels.max() + 1)]).astype(np.float64)]
print_fastest(lambda: np.mean([logme(features, columns) for columns in targets]))
