"""The table that `verbose` prints: one line per epoch."""

import time

from skmlp._training.history import History


class EpochTable:
    """Table of epoch, loss, validation loss and score, learning rate, and elapsed seconds.

    Parameters
    ----------
    every : int
        Print a line every `every` epochs. If 0, print nothing.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._start = time.perf_counter()
        self._has_header = False

    def print_line(self, history: History) -> None:
        """Print a line for the last epoch, if its number is a multiple of `every`."""
        epoch = len(history.loss_curve)
        if not self.every or epoch % self.every:
            return
        columns = [("epoch", f"{epoch:d}"), ("loss", f"{history.loss_curve[-1]:.6f}")]
        if history.validation_scores:
            columns.append(("val. loss", f"{history.validation_loss_curve[-1]:.6f}"))
            columns.append(("val. score", f"{history.validation_scores[-1]:.4f}"))
        if history.learning_rate_curve:
            columns.append(("learning rate", f"{history.learning_rate_curve[-1]:.3g}"))
        columns.append(("seconds", f"{time.perf_counter() - self._start:.1f}"))
        widths = [max(len(name), 9) for name, _ in columns]
        if not self._has_header:
            self._has_header = True
            print("  ".join(f"{name:>{w}}" for (name, _), w in zip(columns, widths, strict=True)))
        print("  ".join(f"{value:>{w}}" for (_, value), w in zip(columns, widths, strict=True)))
