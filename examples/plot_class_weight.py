"""
A rare class
============

One row in twenty belongs to the class that matters. A network that has learnt the frequencies well
hardly ever predicts this class. Class weights, or another threshold, find more rows of the rare
class and raise more false alarms. Both choose a point on nearly the same curve.
"""

# %%
# What class_weight changes
# -------------------------
# With ``class_weight="balanced"``, both classes have the same influence on the loss. The network
# then finds most rows of the rare class, and raises more false alarms. Each row of a matrix sums to
# 1.

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    balanced_accuracy_score,
    precision_score,
    recall_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

X, y = make_classification(
    6000, 20, n_informative=8, weights=[0.95], flip_y=0.02, class_sep=0.8, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)


def build(**settings):
    """Return a pipeline of scaler and network."""
    network = NumpyMLPClassifier(
        (50,),
        solver="adamw",
        learning_rate="cosine",
        learning_rate_init=0.005,
        max_iter=20,
        dropout=0.2,
        random_state=0,
        **settings,
    )
    return make_pipeline(StandardScaler(), network)


models = {
    "as they are": build().fit(X_train, y_train),
    "balanced": build(class_weight="balanced").fit(X_train, y_train),
}
figure, panels = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained")
for panel, (name, model) in zip(panels, models.items(), strict=True):
    ConfusionMatrixDisplay.from_estimator(
        model,
        X_test,
        y_test,
        ax=panel,
        colorbar=False,
        cmap="Blues",
        normalize="true",
        values_format=".2f",
    )
    panel.set_title(name)
figure.suptitle("Shares of the rows of each class")

# %%
# The same curve
# --------------
# Precision is the share of alarms that are right, recall the share of rare rows that are found. The
# curves of both models are close to each other: class weights have moved the point at which the
# model predicts, but have not ranked the rows much better. A threshold on the probabilities of the
# unweighted model does as well. scikit-learn's `TunedThresholdClassifierCV` finds the threshold for
# the metric that you choose, and leaves the probabilities unchanged.

models["tuned threshold"] = TunedThresholdClassifierCV(
    build(), scoring="balanced_accuracy", cv=3
).fit(X_train, y_train)

# colours of Okabe and Ito, which people with colour-blindness can tell apart
colors = ["#0072b2", "#e69f00", "black"]
# sphinx_gallery_thumbnail_number = 2
figure, panel = plt.subplots(figsize=(5, 5), layout="constrained")
for (name, model), color, marker in zip(models.items(), colors, "os^", strict=True):
    predicted = model.predict(X_test)
    precision, recall = precision_score(y_test, predicted), recall_score(y_test, predicted)
    print(
        f"{name:16} precision {precision:.2f}, recall {recall:.2f}, "
        f"balanced accuracy {balanced_accuracy_score(y_test, predicted):.3f}"
    )
    if name != "tuned threshold":
        PrecisionRecallDisplay.from_estimator(model, X_test, y_test, name=name, ax=panel)
        panel.lines[-1].set_color(color)
    panel.plot(recall, precision, marker, color=color, markersize=9, label=f"predict, {name}")
panel.set(xlabel="Recall", ylabel="Precision", title="The rare class", xlim=(0, 1.02))
panel.legend(loc="lower left", fontsize="small")
plt.show()
