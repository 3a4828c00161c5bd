"""
Against overfitting: penalties and noise
========================================

A network with more parameters than rows can memorise its training rows. In this example, a network
with 10,000 parameters is trained on 200 images. Two kinds of remedies are a penalty on large
weights, and randomness in training, which makes memorising impossible.
"""

# %%
# A network that memorises
# ------------------------
# The loss on the training rows falls to nearly 0. The loss on the other rows stops falling after
# ten epochs: what the network learns from then on does not help it to predict other rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import ValidationCurveDisplay, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)


def train(seed=0, **settings):
    """Return a network whose loss on the test rows has been recorded."""
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, train_size=200, stratify=y, random_state=seed
    )
    network = NumpyMLPClassifier(
        (100, 50),
        batch_size=20,
        learning_rate="linear",
        learning_rate_init=0.006,
        max_iter=40,
        random_state=seed,
        **settings,
    )
    return network.fit(X_train, y_train, X_val=X_test, y_val=y_test)


display = TrainingCurveDisplay.from_estimator(train(alpha=0))
display.ax_[0].set_yscale("log")
display.figure_.suptitle("200 memorised images")

# %%
# Randomness in training
# ----------------------
# Dropout leaves out units; noise disturbs the features. Batch normalisation is random as well,
# because each batch has another mean and scale. All three act in training only, and each is one
# keyword. One choice of 200 images says little, so each curve is the mean over five choices.

remedies = {
    "nothing": {},
    "dropout=0.3": {"dropout": 0.3},
    "input_noise=0.3": {"input_noise": 0.3},
    "batch_norm": {"batch_norm": True},
    "batch_norm, input_noise=0.3": {"batch_norm": True, "input_noise": 0.3},
}
# colours of Okabe and Ito, which people with colour-blindness can tell apart
colors = ["black", "#e69f00", "#56b4e9", "#d55e00", "#009e73"]
lines = ["-", "--", "-.", ":", "-"]
# sphinx_gallery_thumbnail_number = 2
figure, panel = plt.subplots(figsize=(6.4, 4), layout="constrained")
for (name, settings), color, line in zip(remedies.items(), colors, lines, strict=True):
    curves = [train(seed, alpha=0, **settings).validation_loss_curve_ for seed in range(5)]
    curve = np.mean(curves, axis=0)
    print(f"{name:28} test loss: lowest {curve.min():.3f}, at the end {curve[-1]:.3f}")
    panel.plot(np.arange(1, len(curve) + 1), curve, color=color, linestyle=line, label=name)
panel.set(xlabel="Epoch", ylabel="Test loss", yscale="log", ylim=(0.16, 1), title="Random remedies")
panel.set_yticks([0.2, 0.3, 0.5, 1], ["0.2", "0.3", "0.5", "1"])
panel.yaxis.set_minor_formatter("")
panel.legend()

# %%
# Without a remedy, the loss stops falling after about ten epochs. With each remedy, the loss ends
# lower. Noise in the features and batch normalisation, the two best remedies, are even better
# together.
#
# How strong a penalty
# --------------------
# `alpha` is always worth a search. In this example, 400 rows have 40 features, of which six contain
# information about the class. With a penalty that is too weak, the network also fits the other
# features; with a penalty that is too strong, it learns little. scikit-learn's
# `ValidationCurveDisplay` shows the best strength:

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
    param_range=np.logspace(-2.5, 0.3, 7),
    scoring="neg_log_loss",
    negate_score=True,
    score_name="Log loss",
    cv=4,
    ax=panel,
)
panel.set(xlabel="alpha", ylabel="Log loss", title="Loss by the price of large weights")
plt.show()
