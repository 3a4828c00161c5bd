"""
Intervals for predictions
=========================

A prediction is more useful with an interval that contains the true value in 90 % of all cases. A
network with the quantile loss predicts both ends of such intervals. On rows that the network was
not trained on, these intervals contain too few values. `FoldEnsembleRegressor` corrects the
intervals with held-out rows.
"""

# %%
# Quantiles
# ---------
# One network predicts three quantiles of a target whose noise grows with x. A higher quantile is
# never below a lower one.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split

from skmlp import FoldEnsembleRegressor, NumpyMLPRegressor, PredictionIntervalDisplay

rng = np.random.RandomState(0)
x = np.sort(rng.uniform(0, 4, 800))
y = np.sin(2 * x) + (0.1 + 0.2 * x) * rng.normal(size=800)
levels = (0.05, 0.5, 0.95)
network = NumpyMLPRegressor(
    "quantile",
    (32, 32),
    quantile=levels,
    standardize_target=True,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=60,
    random_state=0,
)
low, median, high = network.fit(x[:, np.newaxis], y).predict(x[:, np.newaxis]).T

figure, panel = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
panel.plot(x, y, ".", color="0.4", markersize=3)
panel.fill_between(x, low, high, alpha=0.3, label="from 0.05 to 0.95")
panel.plot(x, median, label="median")
panel.set(xlabel="x", ylabel="y", title="Quantiles of one network")
panel.legend(loc="lower left")

# %%
# A single network guarantees no coverage
# ---------------------------------------
# Five of the ten features contain no information about y, so a network that is trained for 200
# epochs overfits the 750 rows. Its intervals contain 90 % of the training rows, but fewer of the
# test rows.

X, y = make_friedman1(4000, noise=2.0, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=750, random_state=0)
settings = {"hidden_layer_sizes": (50,), "standardize_target": True, "learning_rate_init": 0.01}
single = NumpyMLPRegressor(
    "quantile", quantile=levels, n_iter_no_change=np.inf, random_state=0, **settings
)
single.fit(X_train, y_train)

figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, rows, title in (
    (panels[0], (X_train, y_train), "Training rows"),
    (panels[1], (X_test, y_test), "Test rows"),
):
    PredictionIntervalDisplay.from_estimator(single, *rows, ax=panel)
    panel.set_title(title)

# %%
# Intervals from held-out rows
# ----------------------------
# Each network of the ensemble holds out a part of the rows, and the errors on these rows determine
# the width of the intervals. `predict_interval` accepts any coverage. With the quantile loss, the
# predicted quantiles are corrected as well.

means = FoldEnsembleRegressor(
    NumpyMLPRegressor(early_stopping=True, **settings), random_state=0
).fit(X_train, y_train)
corrected = FoldEnsembleRegressor(
    NumpyMLPRegressor("quantile", quantile=levels, early_stopping=True, **settings),
    random_state=0,
).fit(X_train, y_train)

# sphinx_gallery_thumbnail_number = 3
figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for panel, model, title in (
    (panels[0], means, "Mean, interval for a coverage of 0.9"),
    (panels[1], corrected, "Corrected quantiles"),
):
    display = PredictionIntervalDisplay.from_estimator(model, X_test, y_test, ax=panel)
    panel.set_title(title)
    print(f"{title}: coverage {display.coverage:.3f}, mean width {display.mean_width:.1f}")

# %%
# Any coverage
# ------------
# On the diagonal, the share of the test rows in the intervals equals the requested coverage.

asked = np.linspace(0.1, 0.95, 18)
found = []
for coverage in asked:
    lower, upper = means.predict_interval(X_test, coverage=coverage)
    found.append(np.mean((lower <= y_test) & (y_test <= upper)))

figure, panel = plt.subplots(figsize=(4.8, 4.4), layout="constrained")
panel.plot([0, 1], [0, 1], "--", color="0.5", linewidth=1)
panel.plot(asked, found, "o-", markersize=4, label="FoldEnsembleRegressor")
low, _, high = single.predict(X_test).T
inside = np.mean((low <= y_test) & (y_test <= high))
panel.plot(0.9, inside, "s", color="#d55e00", label="single network, 0.05 to 0.95")
panel.set(
    xlabel="Coverage asked for",
    ylabel="Share of the test rows inside",
    title="Coverage asked for and found",
    aspect="equal",
)
panel.legend(loc="upper left", fontsize="small")
plt.show()
