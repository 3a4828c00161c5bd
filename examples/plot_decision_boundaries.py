"""
What a network can separate
===========================

With two features, we can draw what a network has learnt: the colour is the probability of the
second class. Networks with more units, or with other activation functions, learn other boundaries.
"""

# %%
# From a line to a curve
# ----------------------
# Without a hidden layer, the model is a logistic regression, and the boundary is a line. Each relu
# unit adds one bend. Three units are too few for two moons; a second layer makes sharper corners.

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skmlp import NumpyMLPClassifier

X, y = make_moons(400, noise=0.2, random_state=0)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# colours of Okabe and Ito, which people with colour-blindness can tell apart
COLORS = "#d55e00", "#0072b2"
cmap = LinearSegmentedColormap.from_list("classes", [COLORS[0], "white", COLORS[1]])


def show(networks, title):
    """Train each network and draw the probability of class 1 in a panel of its own."""
    figure, panels = plt.subplots(
        2, 2, figsize=(6.4, 5.6), sharex=True, sharey=True, layout="constrained"
    )
    for panel, (name, network) in zip(panels.flat, networks.items(), strict=True):
        network.fit(X_train, y_train)
        boundary = DecisionBoundaryDisplay.from_estimator(
            network,
            X,
            response_method="predict_proba",
            plot_method="pcolormesh",
            cmap=cmap,
            alpha=0.5,
            vmin=0,
            vmax=1,
            ax=panel,
        )
        for label, (color, marker) in enumerate(zip(COLORS, "os", strict=True)):
            rows = X_test[y_test == label]
            style = {"s": 14, "marker": marker, "edgecolors": "white", "linewidths": 0.5}
            panel.scatter(*rows.T, c=color, label=f"class {label}", **style)
        panel.set_title(f"{name}\ntest accuracy {network.score(X_test, y_test):.2f}", fontsize=10)
        panel.set(xlabel="Feature 1", ylabel="Feature 2")
        panel.label_outer()
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    figure.colorbar(boundary.surface_, ax=panels, label="Probability of class 1")
    figure.suptitle(title)


settings = {"solver": "lbfgs", "alpha": 1, "tol": 1e-3, "max_iter": 5000, "random_state": 1}
show(
    {
        "no hidden layer": NumpyMLPClassifier((), **settings),
        "3 units": NumpyMLPClassifier((3,), **settings),
        "30 units": NumpyMLPClassifier((30,), **settings),
        "30 and 30 units": NumpyMLPClassifier((30, 30), **settings),
    },
    "Hidden relu units",
)

# %%
# `alpha=1` keeps the boundaries smooth. With the default of 0.0001, the boundaries of the larger
# networks would bend around single points. :ref:`sphx_glr_gallery_plot_regularisation.py` shows
# other remedies.
#
# The shape of the activation
# ---------------------------
# relu gives straight pieces, tanh and silu smooth curves. Each layer can have another activation.

show(
    {
        "relu": NumpyMLPClassifier((10, 10), "relu", **settings),
        "tanh": NumpyMLPClassifier((10, 10), "tanh", **settings),
        "silu": NumpyMLPClassifier((10, 10), "silu", **settings),
        "silu, then tanh": NumpyMLPClassifier((10, 10), ["silu", "tanh"], **settings),
    },
    "Activations of two layers of ten units",
)
plt.show()
