"""Writes test/fixtures/scores: small cases of class labels, of targets and of several labels per sample, with what
scikit-learn and SciPy give the scores for them.

Needs NumPy, SciPy and scikit-learn. Run from anywhere: python tools/make_score_cases.py [folder]. The expected values come
from plain definitions on those libraries, not from the engine.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.linalg import eigh, lstsq
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, logsumexp, softmax
from scipy.stats import spearmanr
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
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


def pactran_gauss(x, y, early, rng=None):
    """Minus the published PAC_Gauss for lda_factor 10 and s2_factor 100; `early` stops as its code does, else at the minimum."""
    x = x - x.mean(axis=0)
    (n, d), c = x.shape, y.max() + 1
    targets = np.eye(c)[y]
    prior = 10.0 * n

    def logits(theta):
        w, b = theta[: d * c].reshape(d, c), theta[d * c :]
        return w, x @ w + b

    def loss(theta):
        w, z = logits(theta)
        error = (softmax(z, axis=1) - targets) / n
        gradient = np.concatenate([(x.T @ error + w / prior).ravel(), error.sum(axis=0)])
        value = np.mean(logsumexp(z, axis=1) - z[np.arange(n), y]) + 0.5 * np.sum(w**2) / prior
        return value, gradient

    start = np.zeros((d + 1) * c)
    if rng is not None:
        start[: d * c] = 0.03 * rng.normal(size=d * c)
    if early:
        theta = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100}, tol=1e-6).x
    else:
        options = {"maxiter": 20000, "maxfun": 40000, "ftol": 0, "gtol": 1e-11}
        theta = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    p = softmax(logits(theta)[1], axis=1)
    second = np.sum((x**2).T @ (p - p**2) + 1 / prior) + np.sum(p - p**2)
    return -float(loss(theta)[0] + 0.5 * c * 100 / prior * np.log(second * prior / (d * c) + 1e-10))


def pactran_source(s, y, dirichlet):
    """Minus the published PAC_Dir or PAC_Gamma with alpha = 1."""
    targets = np.eye(y.max() + 1)[y]
    a0 = targets.mean(axis=0)[:, None] + 1e-10
    log_s = np.log(s + 1e-10)
    q = s
    for _ in range(10):
        a = a0 + targets.T @ q
        log_q = log_s + targets @ digamma(a) - (digamma(a.sum(axis=0)) if dirichlet else 0)
        log_q = log_q - logsumexp(log_q, axis=1, keepdims=True)
        q = np.exp(log_q)
    bound = np.sum(gammaln(a) - gammaln(a0)) - np.sum(q * (log_q - log_s))
    if dirichlet:
        bound += np.sum(gammaln(a0.sum()) - gammaln(a.sum(axis=0)))
        return float(bound / targets.size)
    return float((bound - np.sum(np.log(s @ a.sum(axis=0)) - 1)) / targets.size - 1)


def pactran(x, y):
    early = [pactran_gauss(x, y, True, np.random.default_rng(seed)) for seed in range(20)]
    source = source_probabilities(x)
    return {
        "gaussian": pactran_gauss(x, y, False),
        "early": [min(early), max(early)],
        "dirichlet": pactran_source(source, y, True),
        "gamma": pactran_source(source, y, False),
    }


def source_probabilities(x):
    """Of a source classifier of seven classes: the softmax of seven features, so that no file has to hold them."""
    z = np.stack([x[:, j % x.shape[1]] for j in range(7)], axis=1)
    return softmax(z, axis=1)


def etran(x, y):
    """The parts of ETran: LDA by generalised eigenvectors, the same by the published code's NumPy routine, the energy."""
    n, d = x.shape
    classes, counts = np.unique(y, return_counts=True)
    means = np.stack([x[y == c].mean(axis=0) for c in classes])
    within = sum(np.cov(x[y == c].T, bias=True) * np.sum(y == c) / n for c in classes)
    v = within.sum(axis=1)
    for _ in range(3):
        u = within @ v / np.linalg.norm(within @ v)
        v = within @ u / np.linalg.norm(within @ u)
    s = max(np.exp(-5 * (v @ within @ u)), 1e-10)

    def shrunk(a):
        return (1 - s) * a + s * np.trace(a) / d * np.eye(d)

    inner = shrunk(within)
    between = shrunk(np.cov(x.T, bias=True)) - inner

    def score(vectors):
        coefficients = means @ vectors @ vectors.T
        outputs = x @ coefficients.T - 0.5 * np.sum(coefficients * means, axis=1) + np.log(counts / n)
        return float(np.mean(softmax(outputs, axis=1)[np.arange(n), y]))

    energies = np.sort(logsumexp(x, axis=1))
    return {
        "classification": score(eigh(between, inner)[1]),
        "reference": score(np.linalg.eigh(np.linalg.inv(inner) @ between)[1]),
        "energy": float(energies[: max(1, 5 * n // 1000)].mean()),
    }


def ncti(x, y):
    """The parts of NCTI: as published, on at most 64 principal components; an eighth of the features has it shrink."""

    def parts(x):
        pca = PCA(n_components=min(64, len(y) - 1, x.shape[1]), svd_solver="full")
        z = pca.fit_transform(x)
        shrinkage = np.exp(-pca.explained_variance_[:32].sum())
        svd = {"solver": "svd"}
        lda = LinearDiscriminantAnalysis(**svd if shrinkage <= 1e-10 else {"solver": "eigen", "shrinkage": float(shrinkage)})
        low = lda.fit_transform(z, y)
        p = lda.predict_proba(z)
        return {
            "ncc": float(np.mean(p[np.arange(len(y)), y])),
            "seli": float(np.linalg.norm(low - low.mean(axis=0), ord="nuc")),
            "vc": -float(np.log(sum(np.linalg.norm(p[y == c], ord="nuc") for c in np.unique(y)))),
        }

    return {"plain": parts(x), "eighth": parts(x / 8)}


def emms_exact(x, z):
    """Minus the residual of least squares per sample, all columns standardised."""
    x, z = StandardScaler().fit_transform(x), StandardScaler().fit_transform(z)
    return -np.sum((z - x @ lstsq(x, z)[0]) ** 2) / len(z)


def logme_regression(x, z):
    """The fixed point of the published code for each column, by the singular value decomposition of x."""
    n, d = x.shape
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    sigma = s**2
    evidences = []
    for y in z.T:
        x2 = (u.T @ y) ** 2
        outside = np.sum(y**2) - np.sum(x2)
        alpha, beta = 1.0, 1.0
        for _ in range(11):
            t = alpha / beta
            gamma = np.sum(sigma / (sigma + t))
            m2 = np.sum(sigma * x2 / (t + sigma) ** 2)
            residual = np.sum(x2 / (1 + sigma / t) ** 2) + outside
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (residual + 1e-5)
            if abs(alpha / beta - t) / t <= 1e-3:
                break
        determinant = np.sum(np.log(alpha + beta * sigma))
        evidence = d / 2 * np.log(alpha) + n / 2 * np.log(beta) - determinant / 2 - beta / 2 * residual - alpha / 2 * m2
        evidences.append(evidence / n - np.log(2 * np.pi) / 2)
    return np.mean(evidences)


def knn_regression(x, z):
    """1 - squared error of the mean of the neighbours over that of the mean of all others; the best of k = 1, 5, 20."""
    z = StandardScaler().fit_transform(z)
    baseline = np.sum(((z - z.mean(axis=0)) * len(z) / (len(z) - 1)) ** 2)
    best = {"score": -np.inf, "k": 0}
    for k in (1, 5, 20):
        nearest = NearestNeighbors(n_neighbors=k, metric="cosine").fit(x).kneighbors(return_distance=False)
        score = 1 - np.sum((z - z[nearest].mean(axis=1)) ** 2) / baseline
        if score > best["score"]:
            best = {"score": float(score), "k": k}
    return best


def linear_probe_regression(x, z):
    """R2 of leave-one-out ridge regression, all columns together, for ridges of 10^e times the samples."""
    x, z = StandardScaler().fit_transform(x), StandardScaler().fit_transform(z)
    baseline = np.sum(((z - z.mean(axis=0)) * len(z) / (len(z) - 1)) ** 2)
    found = []
    for exponent in np.arange(-40, 31) / 10:
        predicted = cross_val_predict(Ridge(alpha=len(z) * 10.0**exponent), x, z, cv=LeaveOneOut())
        found.append([float(exponent), float(1 - np.sum((predicted - z) ** 2) / baseline)])
    return found


def parc_of_rows(x, rows):
    pairs = np.triu_indices(len(x), 1)
    features = 1 - np.corrcoef(StandardScaler().fit_transform(x))[pairs]
    # Rounded, so that equal distances are tied: they differ in the last bit.
    return spearmanr(features, np.round(np.corrcoef(rows)[pairs], 10))[0] * -100


def several_labels():
    """Regression targets, and samples of several classes: none of no class or of all, whose rows correlate with nothing."""
    rng = np.random.default_rng(43)
    x = rng.normal(size=(80, 10))
    z = x @ rng.normal(size=(10, 3)) + 2 * rng.normal(size=(80, 3)) + 5
    yield "targets", x.astype(np.float32), z.astype(np.float32)
    x = rng.normal(size=(70, 12))
    z = (x @ rng.normal(size=(12, 5)) + 2 * rng.normal(size=(70, 5)) > 0.5).astype(np.float32)
    usual = (z.sum(axis=1) > 0) & (z.sum(axis=1) < 5)
    yield "multiLabels", x[usual].astype(np.float32), z[usual]


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
            "pactran": pactran(x, y),
            "etran": etran(x, y),
            "ncti": ncti(x, y),
            "parc": parc(x, y, tied=False),
            "parcTied": parc(x, y, tied=True),
            "parcPca": parc_pca(x, y),
        }
    several = {}
    for kind, x, z in several_labels():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        np.save(folder / kind / "features.npy", x)
        np.save(folder / kind / "labels.npy", z)
        x, z = x.astype(np.float64), z.astype(np.float64)
        several[kind] = {
            "emms": emms_exact(x, z),
            "logme": logme_regression(x, z),
            "knn": knn_regression(x, z),
            "linearProbe": linear_probe_regression(x, z),
            "parc": parc_of_rows(x, z if kind == "multiLabels" else StandardScaler().fit_transform(z)),
        }
    (folder / "several.json").write_text(json.dumps(several, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
