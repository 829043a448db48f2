"""Prints the tables of README.md, after report.py: tables.py FOLDER"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import report  # noqa: E402
from plot import GROUPS, group  # noqa: E402

WHOLE = {"tokens": "tokens", "tokens and top 8 logits": "with 8 logits each"}


def table(head, rows):
    print("\n| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def percent(hits, n):
    share = 100 * hits / n
    if hits in (0, n) or 10 <= share <= 99:
        return f"{share:.0f}"
    return f"{share:.1f}"


def models(everything):
    rows = []
    for name in dict.fromkeys(r.model for r in everything):
        of = [r for r in everything if r.model == name]
        k = of[0].sensitivities
        noise = {r.engine: f"{r['pair'].std():.3f}" for r in of}
        engines = ("torch f32, KV f32", "torch f32, KV f16", "llama.cpp, KV f16", "torch bf16")
        cells = [noise.get(engine, "") for engine in engines]
        rows.append([name, f"{k.mean():.3f}", f"{k.min():.3f}–{k.max():.3f}", *cells])
    rows.sort(key=lambda row: float(row[1]))
    table(["", "sensitivity", "of its prompts", "f32", "f32, KV f16", "llama.cpp", "bf16"], rows)


def rates(rows, counts):
    n = sum(row["runs"] for row in rows)
    hits = [sum(row[f"n {count}"] for row in rows) for count in counts]
    low, high = report.interval(hits[-1], n)
    return [str(n), *(percent(h, n) for h in hits), f"{100 * low:.1f}–{100 * high:.1f}"]


def whole_rule(errors, kinds, judging, part, name):
    print(f"\n**{WHOLE[part]}, {name}**")
    these = [r for r in errors if (r["judged by"], r["rule"]) == (part, name)]
    these = [r for r in these if r["model"] in judging]
    head = ["% of runs", "runs", *map(str, report.COUNTS), "95 %"]
    lines = []
    for kind in GROUPS:
        of_kind = [r for r in these if kinds[r["model"], r["engine"]] == kind]
        lines.append([kind, *rates(of_kind, report.COUNTS)])
    for engine in dict.fromkeys(r["engine"] for r in these if r["kind"] == "wrong"):
        lines.append([engine, *rates([r for r in these if r["engine"] == engine], report.COUNTS)])
    table(head, lines)


def fixed(errors, kinds, judging):
    for part in ("tokens", "top 8 logits"):
        lines = []
        for tolerance in report.TOLERANCES:
            name = f"tolerance {tolerance}"
            cells = []
            for kind in GROUPS:
                rows = [
                    r for r in errors
                    if (r["judged by"], r["rule"]) == (part, name) and r["model"] in judging
                    and kinds[r["model"], r["engine"]] == kind
                ]
                n = sum(r["runs"] for r in rows)
                cells += [percent(sum(r[f"n {c}"] for r in rows), n) for c in (16, 128)]
            lines.append([str(tolerance), *cells])
        print(f"\n**{part}**")
        table([f"{part}, % of runs", *(f"{k}, {c}" for k in GROUPS for c in (16, 128))], lines)


def main():
    everything = list(report.load(Path(sys.argv[1])))
    errors = report.read(Path(sys.argv[1]) / "errors.csv")
    judging = {r.model for r in everything if r.sensitivities.mean() <= report.JUDGING}
    kinds = {(r.model, r.engine): group(r) for r in everything}
    models(everything)
    for name in ("not consistent", "constants", "rejected", "f32"):
        for part in WHOLE:
            whole_rule(errors, kinds, judging, part, name)
    fixed(errors, kinds, judging)


if __name__ == "__main__":
    main()
