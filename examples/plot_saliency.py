"""
Which pixels matter
===================

`input_gradient` returns the derivative of the loss with respect to the features of each row. For
images, it shows on which pixels the prediction depends.
"""

# %%
# Maps of single images
# ---------------------
# Where a map is red, more ink would make the predicted digit less probable; where it is blue, more
# probable. Pale pixels hardly matter for this image. Each map has its own scale.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from skmlp import NumpyMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
model = NumpyMLPClassifier(
    (100,),
    learning_rate="one_cycle",
    learning_rate_init=0.01,
    batch_size=32,
    max_iter=20,
    input_noise=0.2,
    random_state=0,
).fit(X_train, y_train)
print(f"Test accuracy: {model.score(X_test, y_test):.4f}")

rows = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
gradient = model.input_gradient(X_test[rows])

figure, panels = plt.subplots(4, 5, figsize=(6.4, 5.6), layout="constrained")
images = np.concatenate([panels[0], panels[2]])
maps = np.concatenate([panels[1], panels[3]])
for row, slope, image, saliency in zip(rows, gradient, images, maps, strict=True):
    image.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    image.set_title(f"predicted: {model.predict(X_test[[row]])[0]}", fontsize="small")
    largest = abs(slope).max()
    saliency.imshow(slope.reshape(8, 8), cmap="RdBu_r", vmin=-largest, vmax=largest)
for panel in panels.flat:
    panel.set(xticks=[], yticks=[])
for panel, label in zip(panels[:, 0], ["image", "gradient"] * 2, strict=True):
    panel.set_ylabel(label)
figure.suptitle("Images, and the gradient of the loss by their pixels")

# %%
# Over all images
# ---------------
# The mean of the absolute gradients shows which pixels matter for all test images. Permutation
# importance answers another question: by how much does the accuracy fall if a pixel is shuffled
# among the images? Both find the same region. Permutation importance needs a prediction of all rows
# for each pixel and each repetition; the gradient needs one forward and one backward pass.

mean_gradient = abs(model.input_gradient(X_test, y_test)).mean(axis=0)
importance = permutation_importance(model, X_test, y_test, n_repeats=5, random_state=0)

figure, panels = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained")
for panel, (title, values) in zip(
    panels,
    {"Mean |gradient|": mean_gradient, "Fall in accuracy": importance.importances_mean}.items(),
    strict=True,
):
    picture = panel.imshow(values.reshape(8, 8), cmap="viridis")
    panel.set(title=title, xticks=[], yticks=[])
    figure.colorbar(picture, ax=panel, shrink=0.8)
figure.suptitle("Pixels that matter for all test images")
plt.show()
