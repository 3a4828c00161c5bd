"""From the user's X, y and weights to a validated and encoded dataset."""
