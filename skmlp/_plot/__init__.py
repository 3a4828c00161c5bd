"""Displays of training curves, of weights, of mistakes and of prediction intervals."""
