"""Writes test/fixtures/golden-hard: small inputs that break careless implementations, with the published EMMS numbers.

Needs NumPy. Run from anywhere: python tools/make_hard_cases.py [folder]. The published algorithm (OpenGVLab,
Multitask-Model-Selector, metrics.py) is written out plainly in `published_emms`.
"""

import json
import sys
from pathlib import Path

import numpy as np


def standardise(matrix):
    return (matrix - matrix.mean(axis=0)) / (matrix.std(axis=0) + 1e-8)


def sparsemax(z):
    ordered = np.sort(z)[::-1]
    sums = np.cumsum(ordered)
    support = np.nonzero(1 + np.arange(1, len(z) + 1) * ordered > sums)[0][-1]
    return np.maximum(0, z - (sums[support] - 1) / (support + 1))


def published_emms(features, targets):
    """features [n, d], targets: K arrays [n, d2]."""
    x = standardise(features.astype(np.float64))
    z = np.stack([standardise(t.astype(np.float64)) for t in targets], axis=2)
    n, d2, k = z.shape
    w = np.linalg.lstsq(x, z @ np.full(k, 1 / k), rcond=None)[0]
    fitted = x @ w
    weights = sparsemax(np.linalg.lstsq(z.reshape(n * d2, k), fitted.reshape(n * d2), rcond=None)[0])
    paper = -np.sum((fitted - z @ weights) ** 2) / n
    return {"reference": paper * d2, "paper": paper, "lambda_": weights.tolist()}


def cases():
    rng = np.random.default_rng(20230811)

    def labels_for(n, c):
        return rng.permutation(np.concatenate([np.arange(c), rng.integers(0, c, n - c)]))

    def features_for(labels, d, spread=1.0):
        centres = rng.normal(size=(labels.max() + 1, d))
        return centres[labels] + spread * rng.normal(size=(len(labels), d))

    def embeddings(k, rows, d2):
        return rng.normal(size=(k, rows, d2))

    y = labels_for(60, 5)
    x = features_for(y, 20)
    yield "ill_conditioned", x @ np.linalg.qr(rng.normal(size=(20, 20)))[0] @ np.diag(np.logspace(0, -9, 20)) @ np.linalg.qr(
        rng.normal(size=(20, 20))
    )[0], y, embeddings(3, 5, 6)

    low_rank = (features_for(y, 8) @ rng.normal(size=(8, 24))).astype(np.float32)
    yield "low_rank_float32", low_rank, y, embeddings(2, 5, 6)

    x = features_for(y, 12)
    yield "duplicated_columns", np.hstack([x, x[:, :5], x[:, :3] * 2 + 1]), y, embeddings(2, 5, 6)

    x = features_for(y, 15).astype(np.float32)
    x[:, [2, 7]] = 0
    x[:, 11] = 0.1
    yield "constant_columns", x, y, embeddings(2, 5, 6)

    y = np.concatenate([np.zeros(50, int), [1, 1, 2, 3]])
    yield "imbalance", features_for(y, 10).astype(np.float32), y, embeddings(3, 4, 5)

    y = labels_for(18, 3)
    yield "more_features_than_samples", features_for(y, 40).astype(np.float32), y, embeddings(2, 3, 4)

    y = labels_for(30, 4)
    yield "as_many_features_as_samples", features_for(y, 29).astype(np.float32), y, embeddings(2, 4, 5)

    y = labels_for(50, 5)
    e = embeddings(1, 5, 6)
    yield "identical_embedders", features_for(y, 10).astype(np.float32), y, np.concatenate([e, e, e])

    yield "nearly_identical_embedders", features_for(y, 10).astype(np.float32), y, np.concatenate([e, e + 1e-6 * rng.normal(size=e.shape)])

    yield "large_mean", features_for(y, 8) + 1e6, y, embeddings(2, 5, 4)

    y = labels_for(40, 3)
    yield "empty_class", features_for(y, 8).astype(np.float32), np.where(y == 1, 3, y), embeddings(2, 5, 4)

    x = rng.normal(size=(45, 9)).astype(np.float32)
    z = np.stack([x @ rng.normal(size=(9, 5)) + rng.normal(size=(45, 5)) for _ in range(3)])
    yield "captions", x, None, z
    yield "captions_nearly_identical_embedders", x, None, np.stack([z[0], z[0] + 1e-6 * z[1]])

    yield "two_samples", np.array([[1.0, 2.0, 0.0], [3.0, 1.0, 0.0]]), np.array([0, 1]), embeddings(2, 2, 3)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "test/fixtures/golden-hard"
    expected = {}
    for name, features, labels, embedded in cases():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        np.save(target / "features.npy", features)
        np.save(target / "label_embeddings.npy", embedded)
        if labels is not None:
            np.save(target / "labels.npy", labels.astype(np.int64))
        per_sample = [e if labels is None else e[labels] for e in embedded]
        expected[name] = {"emms": published_emms(features, per_sample)}
    (folder / "golden.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
