"""Draw the two diagrams of the course in docs/derivation.md.

Run ``python docs/images/draw_course.py``: it writes network.svg and batch.svg, next to this file.
Both have a white background, so that they can be read on light and on dark pages.
"""

from itertools import product
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

# After Okabe and Ito, so that colour-blind readers can tell them apart; the labels say the same.
TEXT, LINE, INPUT = "#1f2328", "#8c959f", "#57606a"
FORWARD, BACKWARD, STEP = "#0072B2", "#B84A00", "#007A5A"


def box(ax, x, y, label, edge, width=1.0, height=0.56):
    """Draw a box with rounded corners around a label, its middle at (x, y)."""
    corner = (x - width / 2, y - height / 2)
    shape = mpl.patches.FancyBboxPatch(
        corner, width, height, "round,pad=0,rounding_size=0.15", fc="none", ec=edge, lw=2
    )
    ax.add_patch(shape)
    ax.text(x, y, label, ha="center", va="center", color=TEXT, linespacing=1.5)


def arrow(ax, start, end, colour, **style):
    """Draw an arrow from one point to another."""
    properties = {"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=properties | style)


def draw_network(ax):
    """Draw two inputs, two hidden units and three outputs, with the symbols of their numbers."""
    columns = [(0.6, [2.0, 0.9]), (2.9, [2.0, 0.9]), (5.35, [2.55, 1.45, 0.35])]
    inputs, hidden, outputs = ([(x, y) for y in ys] for x, ys in columns)
    for (x0, y0), (x1, y1) in [*product(inputs, hidden), *product(hidden, outputs)]:
        marked = (y0, y1) in {(2.0, 2.0), (0.9, 0.35)}
        colour = FORWARD if marked else LINE
        start = x0 + (0.46 if x0 < 1 else 0.68)
        arrow(ax, (start, y0), (x1 - 0.7, y1), colour, lw=2 if marked else 1.1)
    for j, (x, y) in enumerate(inputs, 1):
        box(ax, x, y, rf"$a^0_{j}$", INPUT, 0.9)
    for k, (x, y) in enumerate(hidden, 1):
        box(ax, x, y, rf"$z^1_{k} \rightarrow a^1_{k}$", FORWARD, 1.36)
    for k, (x, y) in enumerate(outputs, 1):
        box(ax, x, y, rf"$z^2_{k} \rightarrow a^2_{k}$", BACKWARD, 1.36)
    ax.text(1.62, 2.14, "$W^1_{11}$", ha="center", va="bottom", color=FORWARD)
    ax.text(4.1, 0.34, "$W^2_{23}$", ha="center", va="top", color=FORWARD)
    for x, above, below in [
        (0.6, "", "layer 0\ninputs\n$n_0 = 2$"),
        (1.75, "$W^1, b^1$", ""),
        (2.9, "$h$", "layer 1\nhidden units\n$n_1 = 2$"),
        (4.1, "$W^2, b^2$", ""),
        (5.35, "softmax", "layer 2\noutputs\n$n_2 = 3$"),
    ]:
        ax.text(x, 3.15, above, ha="center", va="center", color=TEXT)
        ax.text(x, -0.15, below, ha="center", va="top", color=TEXT, linespacing=1.3)
    ax.set(xlim=(0, 6.15), ylim=(-1.15, 3.4))


def draw_batch(ax):
    """Draw the flow of a batch: forward down the left side, backward up the middle, the step."""
    left, middle, right = 0.55, 2.75, 5.0
    values = ["$a^0 = X$", "$z^1$", "$a^1$", "$z^2$", "$a^2$", "$E$"]
    passes = ["$W^1, b^1$", "$h$", "$W^2, b^2$", "softmax", "loss, $y$"]
    for i, label in enumerate(values):
        box(ax, left, 6 - i, label, INPUT if i == 0 else FORWARD)
    for i, label in enumerate(passes):
        arrow(ax, (left, 5.72 - i), (left, 5.28 - i), FORWARD)
        ax.text(left + 0.14, 5.5 - i, label, va="center", color=TEXT)
    for y, layer in [(5, 1), (3, 2)]:
        box(ax, middle, y, rf"$\delta^{layer}$", BACKWARD)
        gradients = (
            rf"$dW^{layer} = (a^{layer - 1})^\top \delta^{layer}$"
            "\n"
            rf"$db^{layer} = 1^\top \delta^{layer}$"
        )
        box(ax, right, y, gradients, BACKWARD, 2.1, 1.1)
        arrow(ax, (middle + 0.5, y), (right - 1.05, y), BACKWARD)
    arrow(ax, (middle, 3.28), (middle, 4.72), BACKWARD)
    ax.text(middle + 0.14, 4.0, r"$(W^2)^\top, h^\prime$", va="center", color=TEXT)
    ax.plot([left + 0.5, middle], [1, 1], color=BACKWARD, lw=1.6)
    arrow(ax, (middle, 1), (middle, 2.72), BACKWARD)
    ax.text(middle + 0.14, 1.9, "$(a^2 - y)\\,/\\,m$", va="center", color=TEXT)
    box(ax, right, 1, r"$\theta \leftarrow \theta - \eta g$", STEP, 2.1)
    arrow(ax, (right, 2.45), (right, 1.28), STEP)
    ax.plot([right + 1.05, right + 1.25, right + 1.25], [5, 5, 1], color=STEP, lw=1.6)
    arrow(ax, (right + 1.25, 1), (right + 1.05, 1), STEP)
    for x, title, colour in [
        (left, "forward", FORWARD),
        (middle, "backward", BACKWARD),
        (right, "gradients, step", STEP),
    ]:
        ax.text(x, 6.65, title, ha="center", va="center", color=colour, weight="bold")
    ax.set(xlim=(-0.15, 6.35), ylim=(0.6, 6.9))


def main():
    """Write both pictures."""
    style = {"font.size": 13, "mathtext.fontset": "dejavusans", "svg.hashsalt": "skmlp"}
    for draw in (draw_network, draw_batch):
        with mpl.rc_context(style):
            fig = plt.figure()
            ax = fig.add_axes((0, 0, 1, 1))
            draw(ax)
            ax.axis("off")
            width, height = (abs(b - a) for a, b in (ax.get_xlim(), ax.get_ylim()))
            fig.set_size_inches(0.9 * width, 0.9 * height)
            path = Path(__file__).with_name(f"{draw.__name__.removeprefix('draw_')}.svg")
            fig.savefig(path, facecolor="white", metadata={"Date": None})
            plt.close(fig)


if __name__ == "__main__":
    main()
