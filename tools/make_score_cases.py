"""Writes test/fixtures/scores: small classification cases with the values that scikit-learn and SciPy give the scores.

Needs NumPy, SciPy and scikit-learn. Run from anywhere: python tools/make_score_cases.py [folder]. The expected values come
from plain definitions on those libraries, not from the engine.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def hscore(x, y):
    """As in TLlib: the shrunk covariance against the covariance of the class means."""
    fitted = LedoitWolf().fit(x)
    means = np.stack([x[y == c].mean(axis=0) for c in y])
    inverse = np.linalg.pinv(fitted.covariance_, rcond=1e-15)
    return np.trace(inverse @ ((1 - fitted.shrinkage_) * np.cov(means, rowvar=False)))


def knn(x, y):
    """Leave-one-out accuracy for the best of k = 1, 5, 20 by scikit-learn's neighbours; the more similar class breaks ties."""
    best = {"accuracy": -1.0, "k": 0}
    for k in sorted({min(k, len(y) - 1) for k in (1, 5, 20)}):
        distances, nearest = NearestNeighbors(n_neighbors=k, metric="cosine").fit(x).kneighbors()
        votes = [
            max((np.sum(labels == c), np.sum((1 - row)[labels == c]), c) for c in set(labels))[2]
            for row, labels in zip(distances, y[nearest])
        ]
        accuracy = float(np.mean(votes == y))
        if accuracy > best["accuracy"]:
            best = {"accuracy": accuracy, "k": k}
    return best


def linear_probe(x, y):
    """Accuracy of leave-one-out ridge regression on the class indicators; the ridge of least squared error of a grid."""
    z = StandardScaler().fit_transform(x)
    targets = np.eye(y.max() + 1)[y]
    best = None
    for exponent in range(-6, 6):
        predicted = cross_val_predict(Ridge(alpha=len(y) * 10.0**exponent), z, targets, cv=LeaveOneOut())
        error = np.sum((predicted - targets) ** 2)
        if best is None or error < best[0]:
            best = error, float(np.mean(np.argmax(predicted, axis=1) == y)), float(10.0**exponent)
    return {"accuracy": best[1], "ridge": best[2], "error": float(best[0])}


def gbc(x, y, spherical):
    """As in google-research/stable_transfer, on at most 64 principal components."""
    z = PCA(n_components=min(64, len(y) - 1, x.shape[1]), svd_solver="full").fit_transform(x)
    moments = []
    for c in np.unique(y):
        variance = np.maximum(z[y == c].var(axis=0), 1e-4)
        moments.append((z[y == c].mean(axis=0), variance.mean() if spherical else variance))
    total = 0.0
    for i, (m1, v1) in enumerate(moments):
        for j, (m2, v2) in enumerate(moments):
            if i != j:
                mean = (v1 + v2) / 2
                logs = np.sum(np.log(mean)) - 0.5 * np.sum(np.log(v1)) - 0.5 * np.sum(np.log(v2))
                total += np.exp(-np.sum((m1 - m2) ** 2 / mean) / 8 - 0.5 * logs)
    return -float(total)


def nleep(x, y):
    """LEEP of the components of a Gaussian mixture, over 20 random starts: [mean, standard deviation, least, largest]."""
    reduced = PCA(n_components=0.8).fit_transform(x)
    result = {"paper": [], "reference": []}
    for seed in range(20):
        mixture = GaussianMixture(n_components=min(len(y), 5 * len(set(y))), random_state=seed).fit(reduced)
        theta = mixture.predict_proba(reduced)
        joint = np.stack([theta[y == c].sum(axis=0) for c in range(y.max() + 1)])
        predicted = np.sum(theta * (joint / joint.sum(axis=0))[y], axis=1)
        result["paper"].append(np.mean(np.log(predicted)))
        result["reference"].append(np.mean(predicted))
    return {k: [float(f(v)) for f in (np.mean, np.std, np.min, np.max)] for k, v in result.items()}


def parc(x, y, tied):
    """Spearman correlation of the distances of features and labels over all pairs, times 100.

    `tied` is the definition; otherwise the published code's: `corrcoef` of one-hot rows gives pairs of different classes
    distances that differ in the last bit, and that breaks the ties.
    """
    pairs = np.triu_indices(len(y), 1)
    features = 1 - np.corrcoef(StandardScaler().fit_transform(x))[pairs]
    labels = y[pairs[0]] != y[pairs[1]] if tied else (1 - np.corrcoef(np.eye(y.max() + 1)[y]))[pairs]
    return spearmanr(features, labels)[0] * 100


def parc_pca(x, y):
    """The signs of the components matter, for rows are centred: scikit-learn makes the largest loadings positive."""
    components = min(32, len(y) - 1, x.shape[1])
    return parc(PCA(n_components=components, svd_solver="full").fit_transform(x), y, tied=False)


def cases():
    rng = np.random.default_rng(42)

    def case(n, d, c, spread):
        y = rng.permutation(np.concatenate([np.arange(c), rng.integers(0, c, n - c)]))
        return (rng.normal(size=(c, d))[y] + spread * rng.normal(size=(n, d))).astype(np.float32), y

    yield "wide", *case(30, 50, 3, 1.5)
    yield "tall", *case(120, 40, 4, 2.0)
    yield "few_features", *case(60, 5, 5, 0.7)
    yield "many_classes", *case(150, 12, 37, 0.5)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "test/fixtures/scores")
    expected = {}
    for name, x, y in cases():
        (folder / name).mkdir(parents=True, exist_ok=True)
        np.save(folder / name / "features.npy", x)
        np.save(folder / name / "labels.npy", y.astype(np.int32))
        x = x.astype(np.float64)
        expected[name] = {
            "hscore": hscore(x, y),
            "knn": knn(x, y),
            "linearProbe": linear_probe(x, y),
            "gbc": {"spherical": gbc(x, y, True), "diagonal": gbc(x, y, False)},
            "nleep": nleep(x, y),
            "parc": parc(x, y, tied=False),
            "parcTied": parc(x, y, tied=True),
            "parcPca": parc_pca(x, y),
        }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
