"""Displays of training curves, weights, mistakes, prediction intervals and importances."""
