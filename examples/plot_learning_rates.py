"""
Learning rates that rise and fall
=================================

A high learning rate makes fast progress; a low learning rate gets closer to the minimum. The
schedules of `learning_rate` start high and end low. This page shows their shapes, and compares them
in trainings of 20 epochs.
"""

# %%
# The shapes
# ----------
# `learning_rate_curve_` records the learning rate at the end of each epoch. With `warmup_epochs`
# above 0, the learning rate rises from 0 before the schedule continues.

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skmlp import NumpyMLPClassifier, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)

EPOCHS = 20
common = {
    "batch_size": 32,
    "max_iter": EPOCHS,
    "tol": 0,
    "n_iter_no_change": EPOCHS,
    "random_state": 0,
}
schedules = {
    "constant": {"learning_rate_init": 0.001},
    "exponential": {"learning_rate_init": 0.005, "learning_rate_decay": 0.85},
    "linear": {"learning_rate_init": 0.005},
    "cosine": {"learning_rate_init": 0.005, "warmup_epochs": 3},
    "one_cycle": {"learning_rate_init": 0.01},
}
models = {}
for name, settings in schedules.items():
    model = NumpyMLPClassifier(learning_rate=name, **settings, **common)
    with warnings.catch_warnings():
        # a constant rate has not converged after so few epochs, and says so
        warnings.simplefilter("ignore", ConvergenceWarning)
        models[name] = model.fit(X_train, y_train, X_val=X_test, y_val=y_test)

# colours of Okabe and Ito, which people with colour-blindness can tell apart
colors = ["black", "#e69f00", "#0072b2", "#d55e00", "#009e73"]
lines = [":", "--", "-", "-.", (0, (5, 1))]
styles = {
    name: {"color": color, "linestyle": line}
    for name, color, line in zip(models, colors, lines, strict=True)
}
figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
epochs = range(1, EPOCHS + 1)
for name, model in models.items():
    panel.plot(epochs, model.learning_rate_curve_, label=name, **styles[name])
panel.set(xlabel="Epoch", ylabel="Learning rate", title="Schedules of 20 epochs")
panel.set_xticks(range(0, EPOCHS + 1, 5))
panel.legend()

# %%
# What they gain
# --------------
# With the default, a constant learning rate of 0.001, the loss is still far from the minimum after
# 20 epochs. The schedules can start with a higher learning rate because it falls later. ("cosine"
# has three epochs of warm-up here.)

for name, model in models.items():
    print(f"{name:12} log loss on test rows: {log_loss(y_test, model.predict_proba(X_test)):.3f}")
figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
for name, model in models.items():
    TrainingCurveDisplay.from_curves(
        validation_loss=model.validation_loss_curve_, name=name, ax=panel, line_kw=styles[name]
    )
panel.set(yscale="log", title="Loss on the test rows")

# %%
# "linear", "cosine" and "one_cycle" are planned for `max_iter` epochs and make much of their
# progress at the end. With them, `max_iter` is the length of the training, not an upper bound.
plt.show()
