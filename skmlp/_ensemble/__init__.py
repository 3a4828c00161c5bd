"""The steps of fitting an ensemble: choose the folds, train the members, calibrate them."""
