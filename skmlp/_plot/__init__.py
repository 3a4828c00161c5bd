"""Displays of training curves, of weights and of mistakes."""
