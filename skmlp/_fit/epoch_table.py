"""The table that `verbose` prints: one line per epoch."""

import time

from skmlp._compiled.choice import Choice
from skmlp._training.history import History


class EpochTable:
    """Table of epoch, loss, validation loss and score, learning rate, and elapsed seconds.

    Parameters
    ----------
    every : int
        Print a line every `every` epochs, and a line for the last epoch of a training. If 0, print
        nothing.
    kernels : Choice
        Whether kernels run as compiled loops, and why; printed above the table.
    """

    def __init__(self, every: int, kernels: Choice) -> None:
        self.every, self.kernels = every, kernels
        self._start = time.perf_counter()
        self._has_header = False
        self._last_printed = 0

    def print_line(self, history: History) -> None:
        """Print a line for the epoch that has ended, if its number is a multiple of `every`."""
        if self.every and len(history.loss_curve) % self.every == 0:
            self._print(history)

    def end(self, history: History) -> None:
        """Print a line for the last epoch of a training, unless there is one already."""
        if self.every and len(history.loss_curve) > self._last_printed:
            self._print(history)
        # the training of a refit counts its epochs from 1
        self._last_printed = 0

    def _print(self, history: History) -> None:
        epoch = self._last_printed = len(history.loss_curve)
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
            print(f"kernels: {self.kernels}")
            print("  ".join(f"{name:>{w}}" for (name, _), w in zip(columns, widths, strict=True)))
        print("  ".join(f"{value:>{w}}" for (_, value), w in zip(columns, widths, strict=True)))
