#!/usr/bin/env python3
"""Runs our `benchmark` and other programs' llama-bench in turns and prints a table of ratios.

See README.md beside this file. Exit codes: 0 done, 1 a run of ours was not proved (the table
says where), 2 usage, 4 a program failed or said something that this script does not understand,
5 reading or writing failed, 130 interrupted.
"""

import argparse
import itertools
import json
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

NOT_PROVED, USAGE, PROGRAM, IO, INTERRUPTED = 1, 2, 4, 5, 130
STACK_BYTES = 64 << 20  # for a long prompt, some programs put whole matrices on the stack
OURS = "ours"


class Stop(Exception):
    """Ends the program: an exit code, and a line that says what is wrong and what to do."""


class Peer(NamedTuple):
    name: str
    program: str
    model: str
    extra: list


class Test(NamedTuple):
    """Prefill of `prompt` tokens if `generate` is 1; otherwise decode of `generate` after them."""
    name: str
    prompt: int
    generate: int


def peer(text):
    match = re.fullmatch(r"([^=:|]+)=([^:]+):([^:]+)(?::(.*))?", text)
    if not match or match[1] == OURS:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=LLAMA_BENCH:MODEL.gguf[:extra args]")
    return Peer(match[1], match[2], match[3], shlex.split(match[4] or ""))


def count(text):
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 999999")
    return int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0], allow_abbrev=False)
    add = parser.add_argument
    add("--ours", required=True, metavar="MODEL.gguf", help="the model that our engine runs")
    add("--peer", dest="peers", action="append", type=peer, required=True,
        metavar="NAME=LLAMA_BENCH:MODEL.gguf[:ARGS]", help="a program to compare with; repeatable")
    add("--bitreceipt", metavar="XTASK", help="our program [default: built here, in release]")
    add("--threads", type=lambda text: list(dict.fromkeys(map(count, text.split(",")))),
        default=[1, 2], help="numbers of threads, separated by commas [default: 1,2]")
    add("--prompt", type=count, default=512, help="tokens of the prefill test [default: 512]")
    add("--generate", type=count, default=128, help="tokens of the decode test [default: 128]")
    add("--depth", type=count, default=16, help="prompt tokens before decoding [default: 16]")
    add("--repeat", type=count, default=3, help="rounds [default: 3]")
    add("--kernel", default="auto", help="kernels of our engine [default: auto]")
    add("--parity-once", action="store_true",
        help="replay only the first run of each test; later ones must have the same checksum")
    add("--pin", action="store_true", help="bind each run to as many CPUs as it has threads")
    add("--json", metavar="OUT", help="write the raw samples there")
    options = parser.parse_args()
    names = [p.name for p in options.peers]
    if len(set(names)) < len(names):
        parser.error(f"--peer: names must differ, found {', '.join(names)}")
    if options.generate < 2:
        parser.error("--generate: at least 2 tokens are needed; the first belongs to the prompt")
    if options.pin and max(options.threads) > len(os.sched_getaffinity(0)):
        parser.error(f"--pin: more threads than CPUs; {len(os.sched_getaffinity(0))} CPUs are available")
    return options


def need_file(path, what, runnable=False):
    if not Path(path).is_file() or runnable and not os.access(path, os.X_OK):
        kind = "executable program" if runnable else "file"
        raise Stop(USAGE, f"{what}: {path}: there is no {kind}")
    return str(Path(path).resolve())


def check_files(options):
    """Checks that all files exist, before the first run, and makes their paths absolute."""
    options.ours = need_file(options.ours, "--ours")
    options.peers = [p._replace(program=need_file(p.program, f"--peer {p.name}", runnable=True),
                                model=need_file(p.model, f"--peer {p.name}")) for p in options.peers]
    if options.json and not Path(options.json).resolve().parent.is_dir():
        raise Stop(USAGE, f"--json: {options.json}: its folder does not exist; make it first")
    options.bitreceipt = need_file(options.bitreceipt or build(), "--bitreceipt", runnable=True)


def build():
    """Builds our program in release and returns its path, as cargo reports it."""
    command = ("cargo build --release --locked -p xtask --bin xtask"
               " --message-format=json-render-diagnostics")
    try:
        messages = subprocess.check_output(command.split(), cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError) as e:
        raise Stop(PROGRAM, f"cargo: {e}; install Rust and build, or give --bitreceipt") from e
    executables = (json.loads(line).get("executable") for line in messages.splitlines())
    return [path for path in executables if path][-1]


def run(command, threads, pin):
    """Runs a program to its end, with a large stack, and pinned to CPUs if `pin` is set."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]

    def prepare():
        soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
        if 0 <= soft < STACK_BYTES and (hard < 0 or hard >= STACK_BYTES):  # no limit is -1
            resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, hard))
        if pin:
            os.sched_setaffinity(0, cpus)

    pinned = {"GOMP_CPU_AFFINITY": " ".join(map(str, cpus))} if pin else {}
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace",
                              env=os.environ | pinned, preexec_fn=prepare)
    except OSError as e:
        raise Stop(PROGRAM, f"{command[0]}: {e.strerror}; check that it runs on this machine") from e


def failed(who, command, done, found=""):
    """The error for a run that cannot be used: `found`, or how the run ended and what it said."""
    if not found:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        code = done.returncode
        found = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
        found += f", said {(errors or lines)[0]!r}" if lines else ""
    return Stop(PROGRAM, f"{who}: {found}; run it by hand: {shlex.join(command)}")


def decode_arguments(p, depth, generate):
    """The arguments that make a peer decode after a prompt, and whether it can do that."""
    text = run([p.program, "--help"], 1, False).stdout
    if "--n-prompt" not in text:
        raise Stop(PROGRAM, f"{p.name}: {p.program} --help: found no --n-prompt; give a llama-bench")
    if "-gp <pp,tg>" in text:
        return ["-p", "0", "-n", "0", "-gp", f"{depth},{generate}"], True
    has_depth = "--n-depth" in text
    return ["-p", "0", "-n", str(generate), *(["-d", str(depth)] if has_depth else [])], has_depth


def run_peer(p, test, threads, options, decode):
    """One timed repetition after one that does not count, as in our own runs."""
    prefill = test.generate == 1
    what = ["-p", str(test.prompt), "-n", "0"] if prefill else decode[p.name][0]
    command = [p.program, "-m", p.model, "-t", str(threads), *what, "-r", "2", "-o", "json", *p.extra]
    asked = threads, test.prompt if prefill else test.generate
    done = run(command, threads, options.pin)
    if done.returncode:
        raise failed(p.name, command, done)
    try:
        (result,) = json.loads(done.stdout[f"\n{done.stdout}".index("\n[\n"):])  # after lines of a log
        ran = int(result["n_threads"]), int(result["n_prompt" if prefill else "n_gen"])
        _, rate = map(float, result["samples_ts"])
        if ran != asked or not 0 < rate < float("inf"):
            raise ValueError(f"asked for threads and tokens {asked}, ran {ran} at {rate} tokens/s")
    except (KeyError, TypeError, ValueError) as e:
        raise failed(p.name, command, done, f"found no JSON of the one test, run twice ({e})") from e
    return {"tokens_per_sec": rate, "command": command}


def run_ours(test, threads, options, proved):
    """One timed repetition after a warm-up. `proved` has the checksum of each test's first run."""
    replay = not (options.parity_once and test in proved)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "receipt.json")
        command = [options.bitreceipt, "benchmark", "--model", options.ours, "--threads", str(threads),
                   "--prompt-tokens", str(test.prompt), "--tokens", str(test.generate),
                   "--kernel", options.kernel, "--warmup", "1", "--repetitions", "1", "--quiet",
                   "--parity", "full" if replay else "off", "--output", str(path)]
        done = run(command, threads, options.pin)
        sample = {"tokens_per_sec": None, "command": command}
        if done.returncode in (1, 3):  # wrong, or the reference could not answer
            return sample | {"proof": "not proved", "said": done.stderr.strip()}
        if done.returncode:
            raise failed(OURS, command, done)
        try:
            receipt = json.loads(path.read_text())
            samples, parity = receipt["samples"], receipt["parity"]
            steps, (prefill_ns,) = samples["decode_ns"][0], samples["prefill_ns"]
            rate = len(steps) / sum(steps) * 1e9 if steps else test.prompt / prefill_ns * 1e9
            checksum, passed = parity["checksum"], parity["status"] == "passed"
        except (OSError, KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as e:
            raise failed(OURS, command, done, f"its receipt was not understood: {e!r}") from e
    sample |= {"checksum": checksum, "kernels": receipt["kernels"]}
    if checksum != proved.setdefault(test, checksum if passed else None):
        return sample | {"proof": "not proved", "said": "the checksum differs from that of the replayed run"}
    return sample | {"tokens_per_sec": rate, "proof": "replayed" if passed else "same checksum"}


def measure(options, tests, decode, samples):
    """Runs all rounds; the order of the engines rotates from round to round."""
    order, proved = [None, *options.peers], {}
    for n in range(1, options.repeat + 1):
        for test, threads, p in itertools.product(tests, options.threads, order):
            sample = {"round": n, "test": test.name, "threads": threads, "engine": p.name if p else OURS}
            sample |= (run_peer(p, test, threads, options, decode) if p
                       else run_ours(test, threads, options, proved))
            samples.append(sample)
            show(sample)
        order = order[1:] + order[:1]


def show(sample):
    rate = sample["tokens_per_sec"]
    found = f"NOT PROVED: {sample['said']}" if rate is None else f"{rate:.2f} tokens/s"
    where = [f"round {sample['round']}", sample["test"], f"{sample['threads']}T", sample["engine"], found]
    print("  ".join(where), file=sys.stderr, flush=True)


def rates(samples, test, threads, engine):
    """A cell's samples, or none if one of them was not proved."""
    found = [s["tokens_per_sec"] for s in samples
             if (s["test"], s["threads"], s["engine"]) == (test.name, threads, engine)]
    return [] if None in found else found


def table(options, tests, samples):
    lines = ["| test | threads | engine | tokens/s, median | min–max | ours ÷ this |",
             "|---|---:|---|---:|---:|---:|"]
    engines = [OURS, *(p.name for p in options.peers)]
    for test, threads, engine in itertools.product(tests, options.threads, engines):
        ours = rates(samples, test, threads, OURS)
        cell = rates(samples, test, threads, engine)
        found, ratio = "NOT PROVED | ", ""
        if cell:
            found = f"{statistics.median(cell):.2f} | {min(cell):.2f}–{max(cell):.2f}"
        if ours and engine != OURS:
            ratio = f"{statistics.median(ours) / statistics.median(cell):.3f}"
        lines.append(f"| {test.name} | {threads} | {engine} | {found} | {ratio} |")
    return "\n".join(lines)


def notes(options, samples, decode, load):
    proofs = [s["proof"] for s in samples if s["engine"] == OURS]
    n_same, n_not = proofs.count("same checksum"), proofs.count("not proved")
    lines = [f"ours: {len(proofs)} runs; {proofs.count('replayed')} replayed, {n_same} with the checksum "
             f"of a replayed one, {n_not} NOT PROVED"]
    lines += [f"{name}: decodes from an empty context; it has no option for a prompt"
              for name, (_, after_prompt) in decode.items() if not after_prompt]
    lines.append("peers: their tokens are not checked")
    lines.append(f"load average: {load:.2f} before, {os.getloadavg()[0]:.2f} after {options.repeat} rounds; "
                 "other work on the machine changes every figure")
    return "\n".join(lines)


def write_samples(options, samples, complete):
    if not options.json:
        return
    settings = vars(options) | {"peers": [p._asdict() for p in options.peers]}
    content = {"complete": complete, "settings": settings, "samples": samples}
    try:
        Path(options.json).write_text(json.dumps(content, indent=1) + "\n")
    except OSError as e:
        raise Stop(IO, f"--json: {options.json}: {e.strerror}; give a path that can be written") from e


def main():
    options = parse_arguments()
    tests = [Test(f"tg{options.generate}", options.depth, options.generate),
             Test(f"pp{options.prompt}", options.prompt, 1)]
    check_files(options)
    load = os.getloadavg()[0]
    decode = {p.name: decode_arguments(p, options.depth, options.generate) for p in options.peers}
    samples = []
    try:
        measure(options, tests, decode, samples)
    except BaseException:
        write_samples(options, samples, complete=False)
        raise
    print(table(options, tests, samples) + "\n\n" + notes(options, samples, decode, load), flush=True)
    write_samples(options, samples, complete=True)
    return NOT_PROVED if any(s["tokens_per_sec"] is None for s in samples) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        print(f"error: {stop.args[1]}", file=sys.stderr)
        sys.exit(stop.args[0])
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
