"""Tests of the fleet: real clusters, real commands, a worker that is killed on the way. ci/fleet/test.sh
runs them, with the program in BITRECEIPT."""

import json
import os
import signal
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import fleet

PROGRAM = os.environ["BITRECEIPT"]


def call(*words, code=0):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, check=False, text=True)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def script(path, text):
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        cls.receipts = cls.root / "receipts"
        cls.receipts.mkdir()
        small = ["--tokens", 6, "--repetitions", 1, "--parity", "off", "--quiet"]
        for number in range(8):
            threads, prompt = 1 + number % 2, 4 + number // 4
            call("benchmark", "--threads", threads, "-p", prompt, *small, "-o", cls.receipts / f"r{number}.json")
        forged = json.loads((cls.receipts / "r0.json").read_text())
        forged["tokens_per_sec"] *= 2
        (cls.receipts / "forged.json").write_text(json.dumps(forged))
        (cls.receipts / "other.json").write_text('{"a": 1}')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def board(self, *words):
        return json.loads(call("leaderboard", *words, "--format", "json"))

    def board_of(self, answers):
        lines = self.root / "verdicts.jsonl"
        fleet.write(lines, "".join(json.dumps(answer) + "\n" for answer in answers))
        return self.board("--verdicts", lines)

    def test_workers_find_what_one_command_finds(self):
        with fleet.cluster(2) as client:
            answers = fleet.verify(client, PROGRAM, self.receipts)
        self.assertEqual([a["place"] for a in answers], sorted(p.name for p in self.receipts.iterdir()))
        board, alone = self.board_of(answers), self.board(self.receipts)
        self.assertEqual(board["receipts"], alone["receipts"])
        self.assertIn("as good as they are", board["source"])
        self.assertIn("verified here with 2 replays", alone["source"])
        self.assertEqual([row["rank"] for row in board["receipts"]], [*range(1, 9), None])
        self.assertEqual([note for note in board["notes"] if "other.json" in note], board["notes"])

    def test_a_lost_worker_is_replaced(self):
        log = self.root / "calls"
        slow = script(self.root / "slow", f'echo "$2" >>{log}\nsleep 0.5\nexec {PROGRAM} "$@"\n')
        killed = []

        def kill_one(_number, _answer):
            if not killed:
                worker, pid = next(iter(client.run(os.getpid).items()))
                killed.append(worker)
                os.kill(pid, signal.SIGKILL)

        with fleet.cluster(2) as client:
            answers = fleet.verify(client, slow, self.receipts, report=kill_one)
        self.assertEqual(len(killed), 1)
        # What the worker was doing was done again.
        n_calls = len(log.read_text().splitlines())
        self.assertGreater(n_calls, len(answers))
        self.assertEqual(self.board_of(answers)["receipts"], self.board(self.receipts)["receipts"])

    def test_a_call_that_fails_is_repeated(self):
        # The first call for each receipt says that reading failed.
        once = f'f={self.root}/seen-$(basename "$2")\nif mkdir "$f" 2>/dev/null; then echo "error: disk" >&2; exit 5; fi\n'
        flaky = script(self.root / "flaky", f'{once}exec {PROGRAM} "$@"\n')
        with fleet.cluster(1) as client:
            answers = fleet.verify(client, flaky, self.receipts)
        self.assertEqual(self.board_of(answers)["receipts"], self.board(self.receipts)["receipts"])

    def test_what_no_worker_verifies_is_said(self):
        broken = script(self.root / "broken", f'case "$2" in *r3.json) exit 2;; esac\nexec {PROGRAM} "$@"\n')
        with fleet.cluster(1) as client:
            answers = fleet.verify(client, broken, self.receipts)
        board = self.board_of(answers)
        self.assertEqual(len([row for row in board["receipts"] if row["rank"]]), 7)
        self.assertTrue(any("r3.json: Failed: exit code 2" in note for note in board["notes"]), board["notes"])

    def test_one_receipt_in_parts(self):
        for n_parts in (1, 2, 4, 9):
            with fleet.cluster(2) as client:
                code, merged = fleet.split(client, PROGRAM, self.receipts / "r0.json", n_parts)
            self.assertEqual(code, 0, merged)
            merged = json.loads(merged)
            self.assertEqual((merged["conclusion"], merged["replayed"]), ("accepted", "merged"))
            self.assertEqual(merged["merged_from"], min(n_parts, 7))
            self.assertEqual(self.board_of([merged])["receipts"][0]["rank"], 1)

    def test_a_part_that_is_wrong_or_missing(self):
        with fleet.cluster(1) as client:
            code, merged = fleet.split(client, PROGRAM, self.receipts / "forged.json", 2)
            self.assertEqual((code, json.loads(merged)["conclusion"]), (1, "rejected"))
            # A worker whose call does not name the choices leaves them out.
            lazy = script(self.root / "lazy", f'case "$*" in *--heads*) set -- "$1" "$2" --format json --layers 0..1;; esac\nexec {PROGRAM} "$@"\n')
            code, merged = fleet.split(client, lazy, self.receipts / "r0.json", 3)
            self.assertEqual((code, json.loads(merged)["conclusion"]), (3, "unverifiable"))
            broken = script(self.root / "no-heads", f'case "$*" in *--heads*) exit 2;; esac\nexec {PROGRAM} "$@"\n')
            with self.assertRaisesRegex(fleet.Failed, "--heads"):
                fleet.split(client, broken, self.receipts / "r0.json", 3)

    def test_parts_have_every_layer_once(self):
        for n_layers in (1, 2, 6, 30):
            for n_parts in (1, 2, 3, 4, 31, 40):
                parts = fleet.parts_of(n_layers, n_parts)
                layers = []
                for part in parts:
                    if "--layers" in part:
                        layers += range(*map(int, part[part.index("--layers") + 1].split("..")))
                self.assertEqual(layers, list(range(n_layers)))
                self.assertEqual(sum("--heads" in part for part in parts), 1)
                self.assertLessEqual(len(parts), n_parts if n_parts > 1 else 1)


if __name__ == "__main__":
    unittest.main()
