"""
Probabilities that can be trusted
=================================

Of all rows to which a model gives a probability of 0.8, four fifths should belong to the class. A
network that is trained for too long is overconfident: its probabilities are too close to 0 and 1.
Three remedies are averaging several networks, early stopping by the loss, and scikit-learn's
calibration.
"""

# %%
# Accuracy and log loss
# ---------------------
# The accuracies are about the same. The log losses, where lower is better, are not: most of the
# loss of an overconfident model comes from rows whose wrong class has a high probability.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

X, y = make_classification(
    6000, 20, n_informative=10, n_redundant=5, flip_y=0.1, class_sep=0.7, random_state=3
)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=1000, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)


def network(**settings):
    """Return a network that trains for 60 epochs unless told otherwise."""
    return NumpyMLPClassifier(
        **{"learning_rate": "linear", "learning_rate_init": 0.01, "max_iter": 60}
        | {"n_threads": 1, "random_state": 0}
        | settings
    )


models = {
    "one network": network(),
    "mean of eight": BaggingClassifier(network(), 8, bootstrap=False, random_state=0),
    "early stopping": network(
        learning_rate="constant", early_stopping=True, scoring="loss", refit=True
    ),
    "isotonic calibration": CalibratedClassifierCV(network(), method="isotonic", cv=5),
}
probabilities = {}
for name, model in models.items():
    probabilities[name] = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    accuracy = accuracy_score(y_test, probabilities[name] > 0.5)
    loss = log_loss(y_test, probabilities[name])
    sure = abs(probabilities[name] - 0.5) > 0.49
    wrong = np.mean((probabilities[name] > 0.5)[sure] != y_test[sure])
    print(
        f"{name:21} accuracy {accuracy:.3f}, log loss {loss:.3f}, "
        f"above 0.99: {sure.mean():.0%} of the answers, wrong in {wrong:.1%} of them"
    )

# %%
# The reliability curve
# ---------------------
# On the diagonal, predicted probabilities equal the observed frequencies. A line that is flatter
# than the diagonal belongs to an overconfident model, a steeper line to an underconfident one.

# colours of Okabe and Ito, which people with colour-blindness can tell apart
styles = {
    name: {"color": color, "linestyle": line}
    for name, color, line in zip(
        models,
        ["#d55e00", "#0072b2", "#009e73", "black"],
        ["-", "--", "-.", (0, (5, 1))],
        strict=True,
    )
}
figure, panel = plt.subplots(figsize=(6.4, 5), layout="constrained")
for (name, values), marker in zip(probabilities.items(), "osD^", strict=True):
    CalibrationDisplay.from_predictions(
        y_test, values, n_bins=8, name=name, ax=panel, marker=marker, **styles[name]
    )
panel.set(
    xlabel="Mean predicted probability",
    ylabel="Share of rows of the class",
    title="What a probability means",
)
panel.legend(loc="upper left")

# %%
# The distribution of the probabilities
# -------------------------------------
# The single network gives most rows a probability close to 0 or 1. But one label in twenty of these
# data was made wrong on purpose, so no probability above 0.95 can be right.

figure, panel = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, values in probabilities.items():
    style = {"histtype": "step", "linewidth": 1.5, **styles[name]}
    panel.hist(values, bins=np.linspace(0, 1, 21), label=name, **style)
panel.set(xlabel="Predicted probability", ylabel="Test rows", title="How sure each model is")
panel.legend(loc="upper center")
plt.show()
