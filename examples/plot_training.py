"""
Watching a network learn
========================

Three plots answer the first questions about a trained network. Has it been trained for long enough,
or for too long? Which patterns do its units respond to? What does it get wrong? The data are
scikit-learn's images of handwritten digits, 8 x 8 pixels each.
"""

# %%
# Learning curves
# ---------------
# With early stopping, a part of the training rows is held out, and the network is evaluated on
# these rows after each epoch. The dot marks the epoch whose parameters are kept.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmlp import (
    MistakesDisplay,
    NumpyMLPClassifier,
    TrainingCurveDisplay,
    WeightsDisplay,
)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)


def train(**settings):
    """Return a fitted pipeline."""
    network = NumpyMLPClassifier(
        (64,), batch_size=32, early_stopping=True, scoring="loss", random_state=0, **settings
    )
    return make_pipeline(MinMaxScaler(), network).fit(X_train, y_train)


model = train(learning_rate_init=0.003)
print(f"Test accuracy: {model.score(X_test, y_test):.4f}")
display = TrainingCurveDisplay.from_estimator(model)
display.ax_[0].set_yscale("log")
display.figure_.suptitle("Loss and accuracy of one network")

# %%
# Several models in one figure
# ----------------------------
# A dict gives each model a name. Displays can also draw on existing Axes (`ax=`), and the attribute
# `ax_` lets you adjust the result. Small losses are easier to compare on a logarithmic scale.

display = TrainingCurveDisplay.from_estimator(
    {
        "rate 0.003": model,
        "rate 0.01": train(learning_rate_init=0.01),
        "rate 0.003, dropout": train(learning_rate_init=0.003, dropout=0.3),
    }
)
loss, accuracy = display.ax_
loss.set_yscale("log")
accuracy.set_ylim(0.9, 1)
display.figure_.suptitle("Two learning rates, and dropout")

# %%
# What the units respond to
# -------------------------
# Each unit of the first layer has a weight for every pixel: ink on red pixels raises the value of
# the unit, ink on blue pixels lowers it. The units with the largest weights come first.

display = WeightsDisplay.from_estimator(model)
display.figure_.suptitle("Weights of the first layer")

# %%
# What it gets wrong
# ------------------
# Look at the mistakes of which the model is most certain: some images are difficult for people as
# well, others show which kind of training rows is missing.

display = MistakesDisplay.from_estimator(
    model, X_test, y_test, n_images=8, im_kw={"cmap": "gray_r"}
)
display.figure_.suptitle("Mistakes, the surest first")

# %%
# All in one figure
# -----------------
# All displays can draw on existing Axes. Displays of several images divide the space of one.

# sphinx_gallery_thumbnail_number = 5
figure, panels = plt.subplots(
    1, 3, figsize=(10, 3.4), layout="constrained", gridspec_kw={"width_ratios": [4, 3, 3.6]}
)
TrainingCurveDisplay.from_estimator(model, kind="loss", ax=panels[0])
panels[0].set_yscale("log")
WeightsDisplay.from_estimator(model, n_units=9, ax=panels[1], colorbar=False)
MistakesDisplay.from_estimator(
    model, X_test, y_test, n_images=4, n_cols=2, ax=panels[2], im_kw={"cmap": "gray_r"}
)
plt.show()
