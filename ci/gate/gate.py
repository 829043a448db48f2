#!/usr/bin/env python3
"""The gate of a pull request: right tokens, proved, and no slower than before.

Runs the benchmark of the build that is judged (--head), verifies its receipt, and compares its speed
with that of the build before (--base), both in turns on this machine. The verifier is the base's, if
there is one: a change could have made its own verifier accept anything.

Writes into --output: receipt.json, verdict.json, summary.md, badge.json and, with a base,
comparison.json. In GitHub Actions, it also appends to the job's summary and outputs.

Exit codes: 0 passed, 1 the tokens are wrong, or it is too slow, 2 usage, 3 something could not be
checked, 4 or 5 as the program that failed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PASSED, FAILED, USAGE = 0, 1, 2


class Stop(Exception):
    """Ends the gate: an exit code, and a line that says why."""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0], allow_abbrev=False)
    add = parser.add_argument
    add("--head", required=True, metavar="PROGRAM", help="the build that is judged")
    add("--base", metavar="PROGRAM", help="the build that it is compared with")
    add("--output", required=True, type=Path, metavar="DIR", help="where the results go")
    add("--model", metavar="FILE", help="the model [default: the one in the program]")
    add("--tokens", default="128", metavar="N", help="tokens to generate [default: 128]")
    add("--prompt-tokens", default="16", metavar="N", help="tokens of the prompt [default: 16]")
    add("--threads", metavar="N", help="threads [default: the physical cores]")
    add("--policy", metavar="FILE", help="further demands on the receipt")
    add("--challenge", metavar="HEX", help="a nonce that the run has to answer, such as the commit")
    add("--max-slowdown", default="2%", metavar="PERCENT", help="how much slower is surely too slow [default: 2%%]")
    add("--time-budget", default="2m", metavar="TIME", help="for the comparison [default: 2m]")
    return parser.parse_args()


def program(path, flag):
    found = shutil.which(path)
    if not found:
        raise Stop(USAGE, f"{flag}: {path}: there is no such program; build it with ci/gate/build.sh")
    return str(Path(found).resolve())


def run(command, accepted=(0,)):
    """Runs a program and returns its exit code and output. Its messages go to standard error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode not in accepted:
        raise Stop(done.returncode if done.returncode > 0 else FAILED, f"{' '.join(command)}: failed")
    return done.returncode, done.stdout


def task(options):
    """The arguments of `benchmark` that both builds have in common."""
    words = ["--tokens", options.tokens, "--prompt-tokens", options.prompt_tokens]
    if options.threads:
        words += ["--threads", options.threads]
    if options.challenge:
        words += ["--challenge", options.challenge]
    return words


def prove(options, report):
    """The receipt of the head: it exists only if the engine and the reference agree."""
    receipt = str(options.output / "receipt.json")
    model = ["--model", options.model] if options.model else []
    command = [options.head, "benchmark", "--quiet", "--output", receipt, *model, *task(options)]
    code, _ = run(command, accepted=(0, 1))
    report["tokens"] = "proved" if code == 0 else "WRONG"
    if code:
        raise Stop(FAILED, "tokens: the engine and the reference disagree, see above; there is no receipt")
    verify = [options.verifier, "verify-receipt", receipt, "--check-parity", "--format", "json", *model]
    verify += ["--export-badge", str(options.output / "badge.json")]
    if options.policy:
        verify += ["--policy", options.policy]
    if options.challenge:
        verify += ["--challenge", options.challenge]
    code, verdict = run(verify, accepted=(0, 1, 3))
    (options.output / "verdict.json").write_text(verdict)
    verdict = json.loads(verdict)
    report["verdict"] = verdict["conclusion"]
    report["receipt"] = verdict["receipt"]
    if code:
        rules = [f"{r['rule']}: {r['evidence']}" for r in verdict["rules"] if r["outcome"] != "pass"]
        raise Stop(code, f"the receipt is {verdict['conclusion']}: {'; '.join(rules)}")


def compare(options, report):
    """Base and head in turns. Their tokens must be equal."""
    command = [options.verifier, "compare", "--bin", options.base, "--bin", options.head,
               "--max-slowdown", options.max_slowdown, "--time-budget", options.time_budget]
    command += ["--model", options.model] if options.model else []
    last = ["--", *task(options)]
    code, found = run([*command, "--format", "json", *last], accepted=(0, 1))
    (options.output / "comparison.json").write_text(found)
    report["comparison"] = json.loads(found)
    if code:
        raise Stop(FAILED, "head against base: other tokens, or slower than allowed, see comparison.json")


def summary(report, stop):
    """What a person reads, in Markdown."""
    lines = [f"### {'Failed' if stop else 'Passed'}: tokens {report.get('tokens', 'not run')}", ""]
    if stop:
        lines += [f"**{stop.args[1]}**", ""]
    receipt = report.get("receipt")
    if receipt:
        claimed = receipt["claimed"]
        decode = claimed["decode_tokens_per_sec"]
        rows = [
            ("verdict", report["verdict"]),
            ("model", receipt["model"]["file_name"]),
            ("tokens", f"{receipt['tokens']} after a prompt of {receipt['prompt_tokens']}"),
            ("checksum", f"`{receipt['checksum']}`"),
            ("decode", f"{decode:.1f} tokens/s (claimed)" if decode else "–"),
            ("prefill", f"{claimed['prefill_tokens_per_sec']:.1f} tokens/s (claimed)"),
            ("run", f"{'+'.join(claimed['isas'])} kernels, threads: {claimed['threads']}"),
        ]
        lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
        lines += [f"- {w['found']}: {w['advice']}" for w in claimed.get("warnings", [])]
    return "\n".join(lines).rstrip() + "\n"


def append(variable, text):
    """Adds to a file that GitHub names in the environment."""
    path = os.environ.get(variable)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


def outputs(options, report):
    receipt = report.get("receipt") or {}
    claimed = receipt.get("claimed") or {}
    values = {
        "verdict": report.get("verdict", ""),
        "checksum": receipt.get("checksum", ""),
        "decode-tokens-per-sec": claimed.get("decode_tokens_per_sec") or "",
        "prefill-tokens-per-sec": claimed.get("prefill_tokens_per_sec") or "",
        "directory": options.output,
    }
    append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in values.items()))


def main():
    options = parse_arguments()
    report, stop = {}, None
    try:
        options.head = program(options.head, "--head")
        options.base = program(options.base, "--base") if options.base else None
        options.verifier = options.base or options.head
        options.output.mkdir(parents=True, exist_ok=True)
        prove(options, report)
        if options.base:
            compare(options, report)
    except Stop as found:
        stop = found
    if options.output.is_dir():
        text = summary(report, stop)
        comparison = report.get("comparison", {}).get("markdown")
        text += f"\n{comparison}" if comparison else ""
        (options.output / "summary.md").write_text(text)
        append("GITHUB_STEP_SUMMARY", text)
        outputs(options, report)
    if stop:
        print(f"gate: {stop.args[1]}", file=sys.stderr)
        return stop.args[0]
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
