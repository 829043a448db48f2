"""Turns the records of measure.py into tables and the plot.

    report.py FOLDER            writes models.csv, engines.csv, errors.csv, first_wrong.csv and
                                tolerance.svg beside this script
"""

import csv
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np  # noqa: E402
import rule  # noqa: E402

HERE = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
COUNTS = [1, 2, 4, 8, 16, 32, 64, 128]
TOLERANCES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0]
# Above it, right engines of reduced precision go beyond the default tolerance: such models cannot judge.
JUDGING = 0.1


class Runs:
    """All runs of one engine on one model. arrays: [prompts, tokens] of measure.records."""

    def __init__(self, model, path, sensitivities):
        self.model, self.sensitivities = model, sensitivities
        self.kind, _, self.engine = path.stem.partition(", ")
        self.arrays = dict(np.load(path))

    def __getitem__(self, name):
        return self.arrays[name]

    def __len__(self):
        return len(self["token"])

    def prompts(self):
        for i in range(len(self)):
            run = {name: values[i] for name, values in self.arrays.items()}
            yield run, self.sensitivities[min(i, len(self.sensitivities) - 1)]


def load(folder):
    for model in sorted(folder.iterdir()):
        sensitivities = np.load(model / "sensitivity.npy")[:, -1]
        for path in sorted(model.glob("*.npz")):
            yield Runs(model.name, path, sensitivities)


def interval(hits, n):
    """Wilson's 95 % interval of a share."""
    if not n:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    middle, spread = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def write(name, rows):
    with open(HERE / name, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: shown(v) for k, v in row.items()} for row in rows)


def shown(value):
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else value


def noise_of_ties(runs):
    """The standard deviation of normal noise that explains how many tokens differ."""
    gaps, ties = runs["gaps"][:, :, 0].ravel(), (runs["deficit"] > 0).sum()
    erfc = np.vectorize(rule.erfc)
    low, high = 1e-6, 10.0
    for _ in range(40):
        middle = np.sqrt(low * high)
        above = (erfc(gaps / middle / np.sqrt(2)) / 2).sum() > ties
        low, high = (low, middle) if above else (middle, high)
    return low if ties else 0.0


def models(everything):
    rows = []
    for name in dict.fromkeys(runs.model for runs in everything):
        runs = next(r for r in everything if r.model == name and r.engine == "torch f32, KV f16")
        lead, k = runs["gaps"][:, :, 0], runs.sensitivities
        row = {"model": name, "prompts": len(runs), "tokens": lead.shape[1]}
        row |= {"sensitivity": k.mean(), "least": k.min(), "largest": k.max()}
        row |= {f"lead {q} %": np.quantile(lead, q / 100) for q in (1, 5, 10, 25, 50, 75, 90)}
        rows.append(row)
    return rows


def engines(everything):
    rows = []
    for runs in everything:
        k = runs.sensitivities.mean()
        deficit, top = runs["deficit"], runs["top"]
        row = {"model": runs.model, "kind": runs.kind, "engine": runs.engine}
        row |= {"runs": len(runs), "tokens": deficit.shape[1], "sensitivity": k}
        row["other token"] = (deficit > 0).mean()
        for q in (90, 99, 99.9, 100):
            row[f"deficit {q} %"] = np.quantile(deficit, q / 100)
        for q in (10, 50, 90, 100):
            row[f"row rms {q} %"] = np.quantile(runs["rms"], q / 100)
        for q in (50, 90, 99, 100):
            row[f"top {q} %"] = np.quantile(top, q / 100)
        noise = runs["pair"].std()
        row |= {"noise": noise, "noise / sensitivity": noise / k}
        row |= {"noise of ties": noise_of_ties(runs), "top rms": np.sqrt((runs["top_rms"] ** 2).mean())}
        row |= {"largest deficit / sensitivity": deficit.max() / k}
        rows.append(row | {"largest top / sensitivity": top.max() / k})
    return rows


def first_beyond(values, limits):
    """Index of the first value of each run that is above its limit; its length if there is none."""
    beyond = values > np.asarray(limits).reshape(-1, 1)
    return np.where(beyond.any(1), beyond.argmax(1), beyond.shape[1])


def errors(everything):
    """How many runs each rule rejects, by engine and number of tokens."""
    rows = []
    for runs in everything:
        n_tokens = runs["token"].shape[1]
        counts = [n for n in COUNTS if n <= n_tokens]
        base = {"model": runs.model, "kind": runs.kind, "engine": runs.engine, "runs": len(runs)}
        for name, values in (("tokens", runs["deficit"]), ("top 8 logits", runs["top"])):
            for tolerance in TOLERANCES:
                first = first_beyond(values, [tolerance] * len(runs))
                rejected = {f"n {n}": int((first < n).sum()) for n in counts}
                rows.append(base | {"judged by": name, "rule": f"tolerance {tolerance}"} | rejected)
            for factor in (5, 10, 15, 20):
                first = first_beyond(values, factor * runs.sensitivities[: len(runs)])
                rejected = {f"n {n}": int((first < n).sum()) for n in counts}
                rows.append(base | {"judged by": name, "rule": f"{factor} x sensitivity"} | rejected)
        rows += default_rules(runs, base, counts)
    return rows


def default_rules(runs, base, counts):
    """The rule of host::judge: without a measured sensitivity, and with one (rejected; not consistent)."""
    found = {}
    for run, sensitivity in runs.prompts():
        model = rule.of_model(sensitivity)
        limits = {"constants": rule.DEFAULT, "rejected": model}
        limits["not consistent"] = rule.within(model, rule.DEFAULT)
        for name, limit in limits.items():
            for i, mistakes in enumerate(rule.mistakes(run, limit, counts)):
                for part, kinds in PARTS.items():
                    hit = bool(mistakes & kinds)
                    found.setdefault((part, name), [0] * len(counts))[i] += hit
    return [
        base | {"judged by": part, "rule": name} | {f"n {n}": h for n, h in zip(counts, hits)}
        for (part, name), hits in found.items()
    ]


PARTS = {
    "tokens": {"token", "ties"},
    "ties alone": {"ties"},
    "tokens and top 8 logits": {"token", "ties", "value", "values"},
    "each logit": {"value"},
    "all logits": {"values"},
}


def first_wrong(everything):
    """Of engines with the other activation: where the first token that is not the reference's stands, and
    whether it is rejected there."""
    rows = []
    for runs in everything:
        if "ReLU" not in runs.engine:
            continue
        deficit = runs["deficit"]
        other = first_beyond(deficit, [0] * len(runs))
        row = {"model": runs.model, "engine": runs.engine, "runs": len(runs)}
        row["median first other token"] = int(np.median(other)) + 1
        some = other < deficit.shape[1]
        at = deficit[some, other[some]]
        limits = {"0.5": np.full(len(runs), 0.5)}
        limits["10 x sensitivity"] = 10 * runs.sensitivities[: len(runs)]
        for name, limit in limits.items():
            first = first_beyond(deficit, limit)
            row[f"first other token rejected, {name}"] = int((at > limit[some]).sum())
            row[f"median first rejected token, {name}"] = int(np.median(first)) + 1
            row[f"rejected runs, {name}"] = int((first < deficit.shape[1]).sum())
        rows.append(row)
    return rows


def main():
    everything = list(load(Path(sys.argv[1])))
    write("models.csv", models(everything))
    write("engines.csv", engines(everything))
    write("errors.csv", errors(everything))
    write("first_wrong.csv", first_wrong(everything))


if __name__ == "__main__":
    main()
