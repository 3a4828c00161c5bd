"""
Early stopping that hardly costs accuracy
=========================================

`early_stopping=True` ends training when the accuracy on a tenth of the rows no longer rises. This
is often too soon: with 135 validation rows, the accuracy changes in steps of 0.007, and can stay
constant for many epochs while the model still improves. The loss on the same rows shows this
progress.
"""

# %%
# Two criteria on the same training
# ---------------------------------
# Both networks have the same initial weights, split and order of rows, so their curves are the same
# up to the epoch in which the first one stops: the accuracy has stayed constant by chance.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmlp import NumpyMLPClassifier

X, y = load_digits(return_X_y=True)
X = MinMaxScaler().fit_transform(X)

criteria = {
    "by loss": {"early_stopping": True, "scoring": "loss", "max_iter": 500},
    "by accuracy": {"early_stopping": True},
}
models = {
    name: NumpyMLPClassifier(learning_rate_init=0.005, random_state=0, **settings).fit(X, y)
    for name, settings in criteria.items()
}
for name, model in models.items():
    print(f"{name}: best epoch {model.best_epoch_} of {model.n_iter_}")
figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), sharex=True, layout="constrained")
# colours of Okabe and Ito; the longer training is drawn first, and wider, so that both are seen
styles = {
    "by loss": {"color": "#56b4e9", "linewidth": 5},
    "by accuracy": {"color": "black", "linewidth": 1.5, "linestyle": "--"},
}
for name, model in models.items():
    epochs = np.arange(1, model.n_iter_ + 1)
    curves = model.validation_loss_curve_, model.validation_scores_
    for panel, curve in zip(panels, curves, strict=True):
        panel.plot(epochs, curve, label=name, **styles[name])
        best = curve[model.best_epoch_ - 1]
        panel.plot(model.best_epoch_, best, "o", color=styles[name]["color"], mec="black", ms=9)
panels[0].set(xlabel="Epoch", ylabel="Loss", yscale="log", title="Validation loss")
panels[1].set(xlabel="Epoch", ylabel="Accuracy", ylim=(0.9, 1), title="Validation accuracy")
panels[0].legend(title="Stopped (dot: best epoch)")

# %%
# What each costs, by cross-validation
# ------------------------------------
# `refit=True` trains a second time, on all rows, for the best number of epochs, so the model also
# learns from the rows that were held out. Without early stopping, the training time depends on
# `tol` and `max_iter` only.

ways = {
    "no early stopping": {"max_iter": 500},
    "by accuracy": criteria["by accuracy"],
    "by loss": criteria["by loss"],
    "by loss, refit": {**criteria["by loss"], "refit": True},
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
accuracy, loss, seconds = {}, {}, {}
for name, settings in ways.items():
    network = NumpyMLPClassifier(learning_rate_init=0.005, random_state=0, **settings)
    pipeline = make_pipeline(MinMaxScaler(), network)
    found = cross_validate(pipeline, X, y, cv=folds, scoring=("accuracy", "neg_log_loss"))
    accuracy[name], loss[name] = found["test_accuracy"], -found["test_neg_log_loss"]
    seconds[name] = found["fit_time"]
    print(f"{name:18} accuracy {accuracy[name].mean():.3f}, log loss {loss[name].mean():.3f}")

figure, panels = plt.subplots(1, 2, figsize=(6.4, 3.4), sharey=True, layout="constrained")
for panel, (label, values) in zip(
    panels, {"Accuracy": accuracy, "Log loss": loss}.items(), strict=True
):
    for place, name in enumerate(ways):
        (fold,) = panel.plot(values[name], np.full(3, place), "o", color="#0072b2", alpha=0.4)
        (mean,) = panel.plot(values[name].mean(), place, "|", color="#d55e00", ms=20, mew=3)
    panel.set(xlabel=label, yticks=range(len(ways)), ylim=(len(ways) - 0.5, -0.5))
panels[0].set_yticklabels(ways)
figure.suptitle("Rows of the test folds")
figure.legend(
    [fold, mean], ["a fold", "mean"], loc="outside lower center", ncols=2, markerscale=0.5
)
plt.show()
