"""Draws tolerance.svg from the records of measure.py: plot.py FOLDER [OUTPUT FOLDER]"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import matplotlib  # noqa: E402

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import report  # noqa: E402

GROUPS = {
    "right, f32": "#2563a8",
    "right, less precise": "#3a9d6e",
    "scales 1 % off": "#d98a1f",
    "gross mistake": "#b8323a",
}


def group(runs):
    if runs.kind == "right":
        return "right, f32"
    if runs.kind == "reduced":
        return "right, less precise"
    if runs.kind == "other" or "int16" in runs.engine or "1.001" in runs.engine or "1.1" in runs.engine:
        return None
    return "scales 1 % off" if "1.01" in runs.engine else "gross mistake"


def pooled(everything, name, value):
    return np.concatenate([value(runs).ravel() for runs in everything if group(runs) == name])


def survival(axes, everything, value, low, high):
    at = np.geomspace(low, high, 160)
    for name, color in GROUPS.items():
        values = np.sort(pooled(everything, name, value))
        share = 1 - np.searchsorted(values, at, side="right") / len(values)
        axes.plot(at, np.where(share > 0, share, np.nan), color=color, label=name, lw=1.6)
    axes.set(xscale="log", xlim=(low, high))


def deficits(axes, everything):
    survival(axes, everything, lambda runs: runs["deficit"], 1e-3, 12)
    axes.set(ylim=(1e-5, 1), yscale="log")
    axes.set(title="How far a token is behind the reference's", xlabel="deficit, spreads")
    axes.set_ylabel("share of tokens further behind")
    axes.axvline(report.rule.DEFAULT.spreads, color="#555", lw=0.8, ls="--")


def values(axes, everything):
    survival(axes, everything, lambda runs: runs["rms"], 1e-7, 4)
    axes.set(ylim=(0, 1.02))
    axes.set(title="How far a row of logits is off", xlabel="root mean square error, spreads")
    axes.set_ylabel("share of rows further off")


def noises(axes, everything):
    for runs in everything:
        if (name := group(runs)) and "right" in name:
            axes.plot(
                runs.sensitivities.mean(), runs["pair"].std(), "o", ms=3.5, color=GROUPS[name], alpha=0.8
            )
    line = np.array([0.01, 1.0])
    axes.plot(line, 2 * line, color="#555", lw=0.8, ls="--", label="2 x sensitivity")
    axes.set(xscale="log", yscale="log", xlim=(0.01, 1), ylim=(2e-3, 2))
    axes.set(title="Noise of right engines, by model", xlabel="sensitivity of the model, spreads")
    axes.set_ylabel("noise, spreads")
    axes.legend(frameon=False, loc="upper left")


def rejections(axes, everything, errors):
    judging = {runs.model for runs in everything}
    kinds = {(r.model, r.engine): group(r) for r in everything}
    for part, style in (("tokens", "-"), ("tokens and top 8 logits", ":")):
        for name, color in GROUPS.items():
            rows = [
                row for row in errors
                if row["model"] in judging and (row["judged by"], row["rule"]) == (part, "not consistent")
                and kinds[row["model"], row["engine"]] == name
            ]
            n = sum(row["runs"] for row in rows)
            share = [sum(row[f"n {c}"] for row in rows) / n for c in report.COUNTS]
            axes.plot(report.COUNTS, share, color=color, ls=style, lw=1.6)
    axes.set(xscale="log", ylim=(-0.02, 1.02), title="Runs that are not consistent")
    axes.set_xticks(report.COUNTS, report.COUNTS)
    axes.set(xlabel="tokens (dotted: with 8 logits each)", ylabel="share of runs")


def main():
    everything = list(report.load(Path(sys.argv[1])))
    shallow = [r for r in everything if r.sensitivities.mean() <= report.JUDGING]
    plt.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "tolerance"})
    figure, axes = plt.subplots(2, 2, figsize=(9.5, 7), layout="constrained")
    deficits(axes[0, 0], shallow)
    values(axes[0, 1], shallow)
    noises(axes[1, 0], everything)
    rejections(axes[1, 1], shallow, report.errors(shallow))
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#e4e4e4", lw=0.6)
        one.title.set_size(10)
    axes[0, 1].legend(frameon=False, loc="lower left")
    figure.savefig(report.HERE / "tolerance.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
