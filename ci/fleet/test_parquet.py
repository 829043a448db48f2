"""A board as Parquet, read by DuckDB and by pandas: both see what the command prints as JSON.
ci/fleet/test.sh runs it, with a program that was built with the feature `parquet` in BITRECEIPT."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import duckdb
import pandas

PROGRAM = os.environ["BITRECEIPT"]
# ci/LEADERBOARD.md
TYPES = {"text": "VARCHAR", "integer": "UBIGINT", "number": "DOUBLE"}


def call(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, check=True, text=True).stdout


def documented():
    """Names and types of the columns, from the document."""
    text = (Path(__file__).parent.parent / "LEADERBOARD.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    return [(cells[1].strip(" `"), TYPES[cells[2].strip()]) for cells in rows]


class Parquet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = Path(cls.folder.name)
        small = ["--tokens", 4, "-p", 4, "--repetitions", 1, "--parity", "off", "--quiet"]
        for number in range(3):
            call("benchmark", "--threads", 1 + number % 2, *small, "-o", root / f"r{number}.json")
        forged = json.loads((root / "r0.json").read_text())
        forged["tokens_per_sec"] *= 2
        (root / "forged.json").write_text(json.dumps(forged))
        cls.path = root / "board.parquet"
        cls.expected = json.loads(call("leaderboard", root, "--output", cls.path, "--format", "json"))["receipts"]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_duckdb(self):
        table = duckdb.sql(f"SELECT * FROM '{self.path}'")
        self.assertEqual(list(zip(table.columns, map(str, table.types))), documented())
        rows = [dict(zip(table.columns, row)) for row in table.fetchall()]
        self.assertEqual(rows, self.expected)
        ranks = duckdb.sql(f"SELECT rank FROM '{self.path}' WHERE conclusion = 'accepted' ORDER BY rank")
        self.assertEqual(ranks.fetchall(), [(1,), (2,), (3,)])

    def test_pandas(self):
        frame = pandas.read_parquet(self.path)
        self.assertEqual(list(frame.columns), [name for name, _ in documented()])
        rows = json.loads(frame.to_json(orient="records", double_precision=15))
        self.assertEqual(rows, self.expected)
        self.assertEqual(frame["decode_tokens_per_sec"].dtype, "float64")


if __name__ == "__main__":
    unittest.main()
