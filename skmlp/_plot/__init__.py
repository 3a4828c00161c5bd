"""The displays: training curves, weights and mistakes."""
