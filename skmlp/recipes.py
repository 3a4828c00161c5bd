"""Ready settings for `NumpyMLPClassifier`: plain dicts of its parameters.

>>> from skmlp import NumpyMLPClassifier, recipes
>>> model = NumpyMLPClassifier(**recipes.MNIST_FAST, random_state=0)
>>> wider = NumpyMLPClassifier(**recipes.MNIST_FAST | {"hidden_layer_sizes": (256,)})

MNIST
    For the best accuracy on handwritten digits and the like: 0.9918, 0.9923 and 0.9916 of the test
    images with the seeds 0, 1 and 2, in 13 CPU minutes each.
    Adversarial training, after T. Miyato et al., "Distributional smoothing with virtual adversarial
    training", ICLR 2016; each hidden unit is normalised, then disturbed, after A. Rasmus et al.,
    "Semi-supervised learning with ladder networks", NIPS 2015.
MNIST_FAST
    For a good accuracy soon: 0.9819 of the test images, and at least 0.9814 with each of five
    seeds, in 1.6 CPU seconds. The learning rate rises and falls once, after L. N. Smith,
    N. Topin, "Super-convergence: Very fast training of neural networks using large learning
    rates", 2019.
TABULAR
    For each network of `make_tabular_classifier`; docs/tabular.md compares it with others. It wants
    the features as that pipeline makes them.

The first two were trained on the 60,000 training images of MNIST, as they are, pixels in [0, 1],
on one thread, and know nothing of which pixels are neighbours. Settings were compared on the last
10,000 of these images, after training on the first 50,000.
"""

__all__ = ["MNIST", "MNIST_FAST", "TABULAR"]

MNIST = {
    "hidden_layer_sizes": (1000, 500, 250),
    "batch_norm": True,
    # each image also as the network finds it hardest, 2 away; an image is about 9 long
    "adversarial_radius": 2.0,
    # standard deviation, on normalised units
    "noise": 0.4,
    "label_smoothing": 0.1,
    # all these do the penalty's work
    "alpha": 0,
    "batch_size": 128,
    "learning_rate": "linear",
    "learning_rate_init": 0.002,
    "max_iter": 40,
    "averaging": 0.999,
}

MNIST_FAST = {
    "hidden_layer_sizes": (128,),
    "label_smoothing": 0.1,
    # four epochs are too few to overfit
    "alpha": 0,
    "batch_size": 128,
    # ten times the default rate at the peak, which would be too much throughout
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.01,
    "max_iter": 4,
    # a memory of 100 steps: there are only 1,876
    "beta_2": 0.99,
}

TABULAR = {
    "hidden_layer_sizes": (256, 256, 256),
    "activation": "silu",
    "weight_init": "he_normal",
    "solver": "adamw",
    # Many small steps, as many tables have few rows.
    "batch_size": 32,
    "learning_rate": "cosine",
    "learning_rate_init": 0.004,
    "max_iter": 40,
    # Of little data the best epoch is one of the first; the averages of the last hundred steps are
    # good models in between, too, when the learning rate is still high.
    "averaging": 0.99,
    "early_stopping": True,
    "scoring": "loss",
    "n_iter_no_change": 15,
    "input_noise": 0.05,
    "dropout": 0.25,
    "label_smoothing": 0.05,
    "dtype": "float32",
}
