"""
Predicting numbers
==================

`NumpyMLPRegressor` replaces scikit-learn's MLPRegressor. This page trains it on scikit-learn's
diabetes data: ten measurements of 442 patients, and the progress of the disease a year later. Then
it compares losses on data with outliers.
"""

# %%
# The scale of the target
# -----------------------
# The target has a mean of 152. With `standardize_target=True`, the network is trained on the
# standardised target, and still predicts in units of y. Without it, training needs most of its
# epochs to get from 0 to 152. Both networks stop early, and are trained a second time, on all rows,
# for the best number of epochs. (The target is known to depend almost linearly on the features.)

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.metrics import PredictionErrorDisplay
from sklearn.model_selection import cross_val_score, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPRegressor, TrainingCurveDisplay

X, y = load_diabetes(return_X_y=True)
settings = {"early_stopping": True, "validation_fraction": 0.2, "refit": True, "random_state": 0}
models = {
    "target as it is": NumpyMLPRegressor(max_iter=3000, **settings),
    "target standardised": NumpyMLPRegressor(standardize_target=True, **settings),
}
for name, model in models.items():
    pipeline = make_pipeline(StandardScaler(), model)
    folds = cross_validate(pipeline, X, y, cv=3, return_estimator=True)
    epochs = [fold[-1].n_iter_ for fold in folds["estimator"]]
    print(f"{name:19} R^2 {folds['test_score'].mean():.2f}, epochs: {np.mean(epochs):.0f}")
linear = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 20)))
print(f"linear model        R^2 {cross_val_score(linear, X, y, cv=3).mean():.2f}")

# %%
# Curves and errors
# -----------------
# The score of a regressor is R^2: 1 for perfect predictions, 0 for a model that always predicts the
# mean of y. scikit-learn's `PredictionErrorDisplay` shows the predictions for the test rows.

X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = make_pipeline(StandardScaler(), models["target standardised"]).fit(X_train, y_train)

figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
TrainingCurveDisplay.from_estimator(model, ax=panels[:2])
PredictionErrorDisplay.from_estimator(
    model, X_test, y_test, kind="actual_vs_predicted", ax=panels[2]
)
panels[2].set(xticks=[100, 200, 300], yticks=[100, 200, 300])
for panel, title in zip(panels, ["Loss", "Score", "Test rows"], strict=True):
    panel.set_title(title)

# %%
# A loss for outliers
# -------------------
# In this example, one target in eight is wrong, and always too large. The squared error estimates
# the mean, which the wrong targets raise. The absolute error estimates the median, which they
# hardly change. Huber's loss is between the two.

rng = np.random.RandomState(0)
x = np.sort(rng.uniform(-3, 3, 400))
true = np.sin(2 * x) + 0.5 * x
targets = true + 0.2 * rng.normal(size=400)
wrong = rng.uniform(size=400) < 0.125
targets[wrong] += rng.uniform(2, 12, wrong.sum())

figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
panel.plot(x, targets, ".", color="0.7", label="targets")
panel.plot(x, true, color="0.2", linewidth=1, label="without wrong targets")
# colours of Okabe and Ito, which people with colour-blindness can tell apart
styles = {
    "squared_error": {"color": "#d55e00", "linestyle": "--"},
    "huber": {"color": "#56b4e9", "linestyle": "-."},
    "absolute_error": {"color": "#0072b2", "linewidth": 2},
}
for loss, style in styles.items():
    network = NumpyMLPRegressor(
        loss,
        (50, 50),
        standardize_target=True,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=150,
        random_state=0,
    )
    predicted = network.fit(x[:, np.newaxis], targets).predict(x[:, np.newaxis])
    panel.plot(x, predicted, label=loss, **style)
    print(f"{loss:14} mean distance from the curve {np.abs(predicted - true).mean():.2f}")
panel.set(xlabel="x", ylabel="y", ylim=(-3, 6), title="Three losses, one target in eight wrong")
panel.legend(loc="upper left", fontsize="small")
plt.show()
