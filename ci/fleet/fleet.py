#!/usr/bin/env python3
"""Verifies many receipts, or one large one in parts, over the workers of a Dask cluster.

    fleet.py verify FOLDER --output verdicts.jsonl
    fleet.py split RECEIPT --parts 4 --output merged.json

The unit of work is a call of `bitreceipt verify-receipt --format json`; Dask schedules the calls and
repeats those whose worker is lost. Workers need the program, the models, and the receipts at the same
paths. ci/fleet/README.md says what a receipt costs.

Exit codes: 0 done, 1 rejected, 2 usage, 3 something was not verified, 4 bad input, 5 reading or writing
failed. For `split`, they are those of `bitreceipt verdict merge`.
"""

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import dask
from distributed import Client, LocalCluster, as_completed

# Exit codes with which `verify-receipt` answers: accepted, rejected, unverifiable, no receipt. All others
# say something about the machine, so another one is asked.
ANSWERS = (0, 1, 3, 4)

# How often a call is repeated that fails, and how many workers one call may lose.
RETRIES = 3


class Failed(Exception):
    """A command ended without an answer."""


def ask(program, receipt, words):
    """Runs `verify-receipt` on a worker. Returns its verdict, or its error, as a dictionary."""
    command = [program, "verify-receipt", str(receipt), "--format", "json", "--progress", "none", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode not in ANSWERS:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Failed(f"exit code {done.returncode}: {' '.join(last)}")
    return json.loads(done.stdout)


def verdicts(client, program, units, report=None):
    """Asks for every unit, a pair of a receipt and more arguments. Yields the unit's number and its answer
    as they arrive; `report` is called with both. A unit that every worker failed has an error for an answer."""
    futures = {
        client.submit(ask, program, receipt, words, pure=False, retries=RETRIES): number
        for number, (receipt, words) in enumerate(units)
    }
    for future in as_completed(list(futures)):
        number = futures.pop(future)
        try:
            answer = future.result()
        except Exception as error:  # What a worker raised, or that too many workers died.
            answer = {"error": {"what": f"{type(error).__name__}: {error}"}}
        future.release()
        if report:
            report(number, answer)
        yield number, answer


def verify(client, program, folder, words=(), report=None):
    """Verifies every .json file in `folder`. Returns an answer for each, in the order of their names; `place`
    is the file's name."""
    receipts = sorted(path for path in Path(folder).glob("*.json") if path.is_file())
    units = [(path.resolve(), list(words)) for path in receipts]
    answers = dict(verdicts(client, program, units, report))
    return [{"place": path.name, **answers[number]} for number, path in enumerate(receipts)]


def parts_of(n_layers, n_parts):
    """The arguments of `n_parts` calls that have every layer and every choice between them: the choices, and
    ranges of layers of about the same length."""
    if n_parts == 1:
        return [["--layers", f"0..{n_layers}", "--heads"]]
    n_ranges = min(n_parts - 1, n_layers)
    bounds = [n_layers * i // n_ranges for i in range(n_ranges + 1)]
    return [["--layers", f"{first}..{end}"] for first, end in zip(bounds, bounds[1:])] + [["--heads"]]


def split(client, program, receipt, n_parts, words=(), report=None):
    """Verifies one receipt in parts and merges them. Returns the exit code of `verdict merge` and what it
    printed."""
    with open(receipt, encoding="utf-8") as file:
        n_layers = json.load(file)["model"]["shape"]["n_layers"]
    parts = parts_of(n_layers, n_parts)
    units = [(Path(receipt).resolve(), [*part, *words]) for part in parts]
    answers = dict(verdicts(client, program, units, report))
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, part in enumerate(parts):
            answer = answers[number]
            if "error" in answer:
                raise Failed(f"{' '.join(part)}: {answer['error']['what']}")
            name = "-".join(word.strip("-").replace("..", "-to-") for word in part) + ".json"
            Path(folder, name).write_text(json.dumps(answer), encoding="utf-8")
            files.append(name)
        command = [program, "verdict", "merge", *files, "--format", "json"]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


@contextlib.contextmanager
def cluster(workers, scheduler=None):
    """A client of the cluster at the address `scheduler`; without one, of new workers on this machine."""
    if scheduler:
        with Client(scheduler) as client:
            yield client
        return
    # A call that kills its worker, for want of memory for one, must not take down the rest.
    with dask.config.set({"distributed.scheduler.allowed-failures": RETRIES}):
        # What fails is in the answers.
        quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
        with LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as local:
            with Client(local) as client:
                yield client


def write(path, text):
    """Writes a file, which appears whole or not at all."""
    path = Path(path)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        try:
            file.write(text)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def arguments():
    parser = argparse.ArgumentParser(description="Verifies receipts over the workers of a Dask cluster.")
    commands = parser.add_subparsers(dest="command", required=True)
    of_folder = commands.add_parser("verify", help="verify a folder of receipts, a call for each")
    of_folder.add_argument("folder", metavar="FOLDER")
    of_one = commands.add_parser("split", help="replay one receipt in parts, a call for each")
    of_one.add_argument("receipt", metavar="RECEIPT")
    of_one.add_argument("--parts", type=int, default=4, metavar="N", help="at least 1 [default: 4]")
    cores = os.cpu_count() or 1
    for command, what in ((of_folder, "JSON lines for `leaderboard --verdicts`"), (of_one, "the merged verdict")):
        command.add_argument("--output", required=True, metavar="FILE", help=what)
        command.add_argument("--workers", type=int, default=cores, metavar="N", help="on this machine")
        command.add_argument("--scheduler", metavar="ADDRESS", help="a cluster that is there, such as tcp://host:8786")
        command.add_argument("--program", default="bitreceipt", metavar="FILE", help="as the workers find it")
        command.add_argument("--jobs", type=int, metavar="N", help="guests of a call [default: cores ÷ workers]")
        command.add_argument("--model", metavar="FILE", help="[default: as verify-receipt finds it]")
    args = parser.parse_args()
    if args.workers < 1 or (args.jobs or 1) < 1 or getattr(args, "parts", 1) < 1:
        parser.error("found a count below 1")
    return args


def run(args):
    jobs = args.jobs or max(1, (os.cpu_count() or 1) // args.workers)
    words = ["--jobs", str(jobs), *(["--model", str(Path(args.model).resolve())] if args.model else [])]
    done = []

    def report(number, answer):
        done.append(number)
        print(f"{len(done)} done: {answer.get('conclusion', 'error')}", file=sys.stderr)

    if args.command == "split":
        with cluster(args.workers, args.scheduler) as client:
            code, merged = split(client, args.program, args.receipt, args.parts, words, report)
        write(args.output, merged)
        return code
    if not any(Path(args.folder).glob("*.json")):
        print(f"error: {args.folder}: found no .json files; name a folder of receipts", file=sys.stderr)
        return 4
    with cluster(args.workers, args.scheduler) as client:
        answers = verify(client, args.program, args.folder, words, report)
    write(args.output, "".join(json.dumps(answer) + "\n" for answer in answers))
    return 3 if any("error" in answer for answer in answers) else 0


if __name__ == "__main__":
    try:
        sys.exit(run(arguments()))
    except (Failed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3 if isinstance(error, Failed) else 5)
    except (KeyError, TypeError, ValueError) as error:
        print(f"error: this is no receipt: {error}", file=sys.stderr)
        sys.exit(4)
