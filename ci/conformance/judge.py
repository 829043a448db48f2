#!/usr/bin/env python3
"""Judges an engine's answers to the conformance corpus. README.md describes corpus and answers.

    judge.py CORPUS ANSWERS [--json]    prints a table; exit code 1 if anything failed, 3 if nothing was shown
    judge.py CORPUS --refused FOLDER    makes the files that must be refused from models in CORPUS/models
"""
import json
import struct
import sys
from pathlib import Path

TIERS = ["reads", "sums", "logits", "tokens", "bits"]
PASSED, REFUSED, FAILED, NOT_SHOWN = "passed", "refused", "failed", "not_shown"
REFUSING = "unknown,unsupported,not supported,invalid,refuse,removed,cannot,expected,allowed,not found".split(",")
NOTHING = (NOT_SHOWN, "")


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def last_line(message):
    return (message.strip().splitlines() or [""])[-1].strip()


def refusal(message, names):
    for line in message.splitlines():
        lower = line.lower()
        if any(n.lower() in lower for n in names) and any(word in lower for word in REFUSING):
            return REFUSED, line.strip()
    return FAILED, f"refused without naming what is not supported: {last_line(message)}"


def judge_case(case, answer, kv_type, bounds):
    if answer.get("refused") is not None:
        return [refusal(answer["refused"], case["refusal_names"])] + [NOTHING] * 4
    if answer.get("failed") is not None:
        return [(FAILED, last_line(answer["failed"]))] + [NOTHING] * 4
    facts, runs = case["runs"][kv_type], answer.get("runs") or []
    pairs = list(zip(runs, facts))
    missing = FAILED, f"{len(runs)} runs, expected {len(facts)}"
    of_tokens = NOTHING if not runs else tokens(pairs, bounds) if len(runs) == len(facts) else missing
    return [reads(case, answer), sums(case, answer), logits(pairs, bounds), of_tokens, bits(pairs)]


def judge_refused(answer, reads_base):
    """Whoever does not read what the file was made from shows nothing by not reading it either."""
    for outcome, message in ((PASSED, answer.get("refused")), (FAILED, answer.get("failed"))):
        if message is not None:
            return (outcome, last_line(message)) if reads_base else NOTHING
    shown = any(x is not None for x in answer.values())
    return (FAILED, "read, although it must be refused") if shown else NOTHING


def difference(where, found, expected):
    if expected is None or len(found) != len(expected):
        return f"{where}: {len(found)} numbers, the case has {len(expected or [])}"
    pairs = enumerate(zip(found, expected))
    return next((f"{where}, number {i}: {a}, expected {b}" for i, (a, b) in pairs if a != b), None)


def reads(case, answer):
    for row in answer.get("rows") or []:
        where = f"{row['tensor']}, row {row['row']}"
        fact = [f["values"] for f in case["rows"] if (f["tensor"], f["row"]) == (row["tensor"], row["row"])]
        if wrong := difference(where, [f32(x) for x in row["values"]], [f32(x) for x in fact[0]] if fact else None):
            return FAILED, wrong
    return NOTHING if all(answer.get(key) is None for key in ("rows", "runs", "sums")) else (PASSED, "loaded")


def sums(case, answer):
    shown = answer.get("sums") or []
    for found in shown:
        fact = [f["sums"] for f in case["sums"] if f["name"] == found["name"]]
        if wrong := difference(found["name"], found["sums"], fact[0] if fact else None):
            return FAILED, wrong
    n = sum(len(found["sums"]) for found in shown)
    return (PASSED, f"{n} sums") if n else NOTHING


def logit(choice, token):
    return next((f32(x) for id, x in choice["top_logits"] if id == token), None)


def tokens(pairs, bounds):
    exact = tied = unjudged = 0
    for i, (run, fact) in enumerate(pairs):
        found, choices = run["tokens"], fact["choices"]
        if len(found) != len(choices):
            return FAILED, f"run {i}: {len(found)} tokens, expected {len(choices)}"
        for at, (token, choice) in enumerate(zip(found, choices)):
            if token == choice["token"]:
                exact += 1
                continue
            largest, own = logit(choice, choice["token"]), logit(choice, token)
            if own is None or largest - own > bounds["tolerance"] * choice["spread"]:
                return FAILED, f"run {i}, token {at}: {token}, the reference chooses {choice['token']}"
            tied, unjudged = tied + 1, unjudged + len(choices) - at - 1
            break
    if tied > bounds["tied_runs"]:
        return FAILED, f"{tied} runs end in a tie, allowed {bounds['tied_runs']}"
    return PASSED, f"{exact} exact, {tied} tied, {unjudged} after a tie"


def deviations(choice, listed):
    """How far the logits at a position are off, in spreads, compared with the engine's largest."""
    listed = [(id, f32(x)) for id, x in listed]
    best, own = max(listed, key=lambda pair: pair[1], default=(None, 0.0))
    of_own, least = logit(choice, best), f32(choice["top_logits"][-1][1])
    if of_own is None or not all(abs(x) < float("inf") for _, x in listed):
        return None
    found = []
    for id, x in listed:
        of_id = logit(choice, id)
        off = (x - own) - ((least if of_id is None else of_id) - of_own)
        # An unknown logit of the reference is at most its least known one.
        if id != best and (of_id is not None or off > 0):
            found.append(abs(off) / choice["spread"])
    return found


def rms(values):
    return (sum(x * x for x in values) / len(values)) ** 0.5


def logits(pairs, bounds):
    found = []  # of each run
    for i, (run, fact) in enumerate(pairs):
        found.append([])
        others = [token != c["token"] for token, c in zip(run["tokens"], fact["choices"])] + [True]
        comparable = others.index(True) + 1  # up to the first other token, which has the same context
        for at, (listed, choice) in enumerate(list(zip(run.get("top_logits") or [], fact["choices"]))[:comparable]):
            off = deviations(choice, listed)
            if off is None:
                return FAILED, f"run {i}, token {at}: its largest logit is of none of the reference's best tokens"
            if any(x > bounds["tolerance"] for x in off):
                return FAILED, f"run {i}, token {at}: a logit is off by {max(off):.4f} spreads"
            found[-1] += off
    # In one run an activation may be rounded the other way by chance, and all logits move.
    runs = sorted((run for run in found if run), key=rms)
    usual = sum(runs[: max(len(runs) - 1, 1)], [])
    noise = rms(usual) if usual else 0.0
    found = PASSED if noise <= bounds["noise"] else FAILED
    return (found, f"{sum(map(len, runs))} logits, their noise is {noise:.4f} spreads") if usual else NOTHING


def bits(pairs):
    shown = [(i, run, fact, key) for i, (run, fact) in enumerate(pairs) for key in ("residuals", "checksum")
             if run.get(key) is not None]
    wrong = [f"run {i}: other {key}" for i, run, fact, key in shown if run[key] != fact[key]]
    return (FAILED, wrong[0]) if wrong else (PASSED, f"{len(shown)} digests") if shown else NOTHING


def judge(folder, answers):
    index = json.loads((folder / "corpus.json").read_text())
    if answers["version"] != index["version"]:
        sys.exit(f"answers to version {answers['version']} of the corpus, this is {index['version']}")
    given, kv_type, rows = answers["answers"], answers["engine"].get("kv_type", "f16"), {}
    for entry in index["cases"]:
        case = json.loads((folder / f"cases/{entry['name']}.json").read_text())
        rows[case["name"]] = judge_case(case, given.get(case["name"], {}), kv_type, index["bounds"][kv_type])
    for file in index["refused"]:
        found = judge_refused(given.get(file["name"], {}), reads_base=rows[file["base"]][0][0] == PASSED)
        rows[file["name"]] = [found] + [NOTHING] * 4
    if set(given) - set(rows):
        sys.exit(f"answers: the corpus has no case {min(set(given) - set(rows))}")
    return rows


def make_refused(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    for file in json.loads((folder / "corpus.json").read_text())["refused"]:
        base, made, at = (folder / "models" / f"{file['base']}.gguf").read_bytes(), b"", 0
        for splice in file["splices"]:
            made += base[at:splice["at"]] + bytes.fromhex(splice["insert"])
            at = splice["at"] + splice["remove"]
        (out / f"{file['name']}.gguf").write_bytes(made + base[at:])


def main(words):
    if words[1:2] == ["--refused"]:
        return make_refused(Path(words[0]), Path(words[2]))
    if len(words) < 2 or words[2:] not in ([], ["--json"]):
        sys.exit(__doc__)
    rows = judge(Path(words[0]), json.loads(Path(words[1]).read_text()))
    if words[2:]:
        print(json.dumps({name: {t: f[0] for t, f in zip(TIERS, row)} for name, row in rows.items()}))
    else:
        print("| case | " + " | ".join(TIERS) + " |\n|---|" + "---|" * len(TIERS))
        for name, row in rows.items():
            print(f"| {name} | " + " | ".join(outcome for outcome, _ in row) + " |")
        wrong = [(name, t, f[1]) for name, row in rows.items() for t, f in zip(TIERS, row) if f[0] == FAILED]
        print("".join(f"{name}, {tier}: {detail}\n" for name, tier, detail in wrong), end="")
    found = {outcome for row in rows.values() for outcome, _ in row}
    return 1 if FAILED in found else 0 if found - {NOT_SHOWN} else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
