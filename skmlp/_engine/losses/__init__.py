"""The losses: each from the network's raw output to its value and its gradient."""
