"""Fitted models and checkpoints as plain values, and back."""
