"""
Against overfitting: penalties and noise
========================================

A network with more parameters than rows can learn its training rows by heart. Here 10,000
parameters meet 200 images. What helps is a price on large weights, or something random in training
that makes learning by heart impossible.
"""

# %%
# Learnt by heart
# ---------------
# The loss on the training rows falls to nearly 0. That on other rows stands still after ten epochs:
# what is learnt from there on says nothing about them.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import ValidationCurveDisplay, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=200, stratify=y, random_state=0
)


def train(**settings):
    """Return a network whose loss on the test rows has been recorded."""
    network = NumpyMLPClassifier(
        (100, 50),
        batch_size=20,
        learning_rate="linear",
        learning_rate_init=0.006,
        max_iter=40,
        random_state=0,
        **settings,
    )
    return network.fit(X_train, y_train, X_val=X_test, y_val=y_test)


display = TrainingCurveDisplay.from_estimator(train(alpha=0))
display.ax_[0].set_yscale("log")

# %%
# Something random
# ----------------
# Dropout leaves out units, noise disturbs them or the features. Both act in training only, and each
# is one keyword.

remedies = {
    "nothing": {"alpha": 0},
    "dropout=0.3": {"alpha": 0, "dropout": 0.3},
    "input_noise=0.3": {"alpha": 0, "input_noise": 0.3},
    "batch_norm, noise=0.5": {"alpha": 0, "batch_norm": True, "noise": 0.5},
}
# sphinx_gallery_thumbnail_number = 2
figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
for name, settings in remedies.items():
    curve = train(**settings).validation_loss_curve_
    print(f"{name:22} test loss: lowest {min(curve):.3f}, at the end {curve[-1]:.3f}")
    panel.plot(np.arange(1, len(curve) + 1), curve, label=name)
panel.set(xlabel="Epoch", ylabel="Test loss", ylim=(0.15, 0.6), xlim=(0, None))
panel.legend()

# %%
# How strong a penalty
# --------------------
# `alpha` is the one parameter that is always worth a search. Here 400 rows have 40 features, of
# which six say something. With too low a price the network fits the others too, with too high a
# price it learns little. scikit-learn's own display shows where to look:

X, y = make_classification(400, 40, n_informative=6, n_redundant=0, flip_y=0.05, random_state=0)
network = NumpyMLPClassifier(
    (100, 50),
    batch_size=20,
    learning_rate="linear",
    learning_rate_init=0.005,
    max_iter=40,
    random_state=0,
)
figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
ValidationCurveDisplay.from_estimator(
    make_pipeline(StandardScaler(), network),
    X,
    y,
    param_name="numpymlpclassifier__alpha",
    param_range=np.logspace(-2.5, 0.2, 7),
    scoring="neg_log_loss",
    negate_score=True,
    score_name="Log loss",
    cv=4,
    ax=panel,
)
panel.set(xlabel="alpha", ylabel="Log loss")
plt.show()
