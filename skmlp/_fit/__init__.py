"""The steps of `fit` and `partial_fit`."""
