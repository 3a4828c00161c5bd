"""Draw the bar charts of the README and of the landing page, for light and for dark pages.

The figures are those of docs/performance.md and docs/tabular.md. After a new measurement, change
the table below and run ``python docs/images/draw_comparison.py``: it writes comparison-light.svg
and comparison-dark.svg, next to this file.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

# Per chart: title, what the bars show, and a row for each model: name, figure, CPU seconds of fit.
CHARTS = [
    (
        "Training time",
        "CPU time per epoch, skmlp[fast] = 1",
        # docs/performance.md, Figures: 784-100-10, Adam, batch 200, float32, with compiled loops
        [
            ("skmlp", 1.00, None),
            ("JAX", 1.10, None),
            ("MLPClassifier", 1.75, None),
            ("PyTorch", 1.81, None),
            ("skorch", 3.04, None),
        ],
    ),
    (
        "Tables, classification",
        "mean log loss (CPU time)",
        # docs/tabular.md, Figures: tables of numbers
        [
            ("skmlp", 0.2591, 164.1),
            ("CatBoost", 0.2935, 181.9),
            ("RealMLP", 0.3217, 617.9),
            ("MLPClassifier", 0.3634, 53.0),
            ("LightGBM", 0.3678, 8.8),
        ],
    ),
    (
        "Tables, regression",
        "mean error (CPU time)",
        # docs/tabular.md, Figures of regression: first table
        [
            ("skmlp", 0.3068, 90.3),
            ("RealMLP", 0.3099, 403.0),
            ("CatBoost", 0.3319, 32.0),
            ("HistGradient-\nBoosting", 0.3354, 1.7),
            ("MLPRegressor", 0.3454, 12.8),
        ],
    ),
]

# text, bars of skmlp, bars of the others: one hue and grey, which no colour blindness confuses
THEMES = {
    "light": ("#1f2328", "#0072B2", "#b8bec6"),
    "dark": ("#e6edf3", "#56B4E9", "#5d6671"),
}


def draw_chart(ax, title, unit, rows, colours):
    """Draw the bars of one chart, the best model at the top."""
    text, ours, theirs = colours
    names, figures, seconds = zip(*rows, strict=True)
    ax.barh(names, figures, color=[ours if name == "skmlp" else theirs for name in names])
    for i, (figure, time) in enumerate(zip(figures, seconds, strict=True)):
        label = f"{figure:.2f}" if time is None else f"{figure:.3f} ({time:.0f} s)"
        ax.text(figure, i, f" {label}", va="center", color=text)
    ax.invert_yaxis()
    ax.set_title(f"{title}\n", loc="left", weight="bold", color=text, x=0)
    ax.text(0, 1.03, unit, transform=ax.transAxes, color=text)
    ax.set(xlim=(0, 1.95 * max(figures)), facecolor="none", xticks=[])
    ax.tick_params("y", length=0, labelcolor=text)
    ax.get_yticklabels()[names.index("skmlp")].set_weight("bold")
    ax.spines[:].set_visible(False)


def main():
    """Write both pictures."""
    style = {"font.size": 11, "axes.titlesize": 13, "svg.hashsalt": "skmlp"}
    for theme, colours in THEMES.items():
        with mpl.rc_context(style):
            heights = [len(rows) for _, _, rows in CHARTS]
            fig, axes = plt.subplots(1, len(CHARTS), figsize=(10.5, 0.6 + 0.42 * max(heights)))
            for ax, chart in zip(axes, CHARTS, strict=True):
                draw_chart(ax, *chart, colours)
            fig.tight_layout(w_pad=0.5)
            path = Path(__file__).with_name(f"comparison-{theme}.svg")
            fig.savefig(path, transparent=True, metadata={"Date": None})
            plt.close(fig)


if __name__ == "__main__":
    main()
