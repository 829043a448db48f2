#!/usr/bin/env python3
"""Records the README's terminal session: runs the commands for real and writes terminal.svg.

    python3 -m pip install pyte
    python3 .github/pictures/record.py [--bitreceipt PATH]

Use a quiet machine: the figures are those of this run.

Every command runs in a pseudo-terminal of 80 columns. The picture shows the text that it printed;
only the colours of verdicts are added. Without --bitreceipt, the program is built here in the release
profile. The SVG is animated with CSS and follows the reader's light or dark scheme. Readers who prefer
reduced motion, and viewers without CSS animation, see the finished session.
"""

import argparse
import fcntl
import html
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from itertools import groupby
from pathlib import Path

import pyte

HERE = Path(__file__).resolve().parent
COLUMNS, ROWS = 80, 100
CELL_WIDTH, LINE_HEIGHT, MARGIN, TITLE_HEIGHT = 8.4, 19, 18, 34

# A comment or nothing, a command, and the exit code that it must have.
SESSION = [
    ("", "bitreceipt benchmark --tokens 128 --deterministic", 0),
    ("Anybody can check it: the same tokens are decoded again, in a sandbox.",
     "bitreceipt verify-receipt inference.json", 0),
    ("A forgery: one token changed, and sealed again so that its digest fits.",
     "python3 forge.py inference.json other.json", 0),
    ("", "bitreceipt verify-receipt other.json", 1),
]

VERDICTS = {"": "", "accepted": " green bold", "rejected": " red bold", "unverifiable": " brown bold",
            "FAIL": " red bold"}

STYLE = """
.t{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.page{fill:#fff;stroke:#d1d9e0}.bar{fill:#d1d9e0}.t{fill:#1f2328}.faint,.brightblack{fill:#656d76}
.red{fill:#cf222e}.green{fill:#1a7f37}.brown{fill:#9a6700}.blue,.cyan{fill:#0969da}.magenta{fill:#8250df}
.bold{font-weight:600}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#3d444d}.bar{fill:#3d444d}.t{fill:#e6edf3}.faint,.brightblack{fill:#9198a1}
.red{fill:#ff7b72}.green{fill:#3fb950}.brown{fill:#d29922}.blue,.cyan{fill:#58a6ff}.magenta{fill:#bc8cff}}
@media (prefers-reduced-motion:no-preference){
g{animation:show 1ms linear backwards}.k{animation-name:type}
@keyframes show{from{opacity:0}}
@keyframes type{from{clip-path:inset(0 100% 0 0)}to{clip-path:inset(0 0 0 0)}}}
"""


def build():
    command = ["cargo", "build", "--release", "--locked", "-p", "xtask", "--bin", "bitreceipt"]
    subprocess.run(command, cwd=HERE, check=True)
    metadata = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    metadata = subprocess.check_output(metadata, cwd=HERE, text=True)
    return Path(metadata.split('"target_directory":"')[1].split('"')[0], "release", "bitreceipt")


def run(command, folder):
    """Runs `command` in a terminal; returns the rows that it leaves on the screen, and its exit code."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", TERM="xterm-256color")
        environment.pop("NO_COLOR", None)
        os.execvpe("sh", ["sh", "-c", f"stty rows {ROWS} cols {COLUMNS}; {command}"], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    while True:
        try:
            stream.feed(os.read(terminal, 65536))
        except OSError:  # the terminal is closed
            break
    rows = [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
    while rows and all(cell.data == " " for cell in rows[-1]):
        rows.pop()
    return rows, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def text(column, line, content, classes=""):
    """A piece of a row. Its width is given, so that columns line up in any font."""
    x = MARGIN + column * CELL_WIDTH
    y = TITLE_HEIGHT + MARGIN + line * LINE_HEIGHT
    width = len(content) * CELL_WIDTH
    return (f'<text class="t{classes}" x="{x:.1f}" y="{y}" textLength="{width:.1f}" '
            f'xml:space="preserve">{html.escape(content, quote=False)}</text>')


def highlighted(cells):
    """Each cell with its classes: the terminal's, and a colour for the first word of a verdict."""
    row = "".join(cell.data for cell in cells)
    verdict = next((word for word in VERDICTS if word and row.lstrip().startswith(word)), "")
    end = row.find(verdict) + len(verdict)
    for column, cell in enumerate(cells):
        classes = VERDICTS[verdict] if column < end else ""
        if cell.fg != "default":
            classes = f" {cell.fg}" + (" bold" if cell.bold else "")
        elif cell.bold:
            classes = " bold"
        yield cell.data, classes


def drawn(cells, line):
    """The pieces of a row, one for each stretch of equal style."""
    column = 0
    for classes, stretch in groupby(highlighted(cells), key=lambda cell: cell[1]):
        content = "".join(data for data, _ in stretch)
        stripped = content.strip()
        if stripped:
            yield text(column + len(content) - len(content.lstrip()), line, stripped, classes)
        column += len(content)


class Picture:
    def __init__(self):
        self.line, self.clock, self.parts = 0, 0.5, []

    def group(self, lines, kind="", seconds=0.0, steps=0):
        style = f"animation-delay:{self.clock:.1f}s"
        if steps:
            style += f";animation-duration:{seconds:.1f}s;animation-timing-function:steps({steps})"
        self.parts.append(f'<g{kind} style="{style}">{"".join(lines)}</g>')
        self.clock += seconds

    def play(self, comment, command, rows):
        if comment:
            self.group([text(0, self.line, f"# {comment}", " faint")], seconds=1.0)
            self.line += 1
        typed = [text(0, self.line, "$", " faint"), text(2, self.line, command, " bold")]
        self.group(typed, ' class="k"', 0.03 * len(command), len(command))
        self.clock += 0.4
        self.line += 1
        lines = [piece for n, cells in enumerate(rows) for piece in drawn(cells, self.line + n)]
        if lines:
            self.group(lines, seconds=1.4)
        self.line += len(rows) + (1 if rows else 0)

    def svg(self):
        width = round(2 * MARGIN + COLUMNS * CELL_WIDTH)
        height = TITLE_HEIGHT + 2 * MARGIN + (self.line - 2) * LINE_HEIGHT
        dots = "".join(f'<circle class="bar" cx="{22 + 20 * n}" cy="19" r="6"/>' for n in range(3))
        described = ("A terminal: a benchmark writes a receipt, verify-receipt accepts it and rejects "
                     "a forgery.")
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img">\n<title>{described}</title>\n'
                f'<style>{STYLE}</style>\n<rect class="page" x=".5" y=".5" width="{width - 1}" '
                f'height="{height - 1}" rx="10"/>{dots}\n' + "\n".join(self.parts) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bitreceipt", type=Path, help="the program to record [default: built here]")
    parser.add_argument("--output", type=Path, default=HERE / "terminal.svg")
    options = parser.parse_args()
    program = (options.bitreceipt or build()).resolve()
    picture = Picture()
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(program, Path(folder, "bitreceipt"))
        shutil.copy(HERE / "forge.py", folder)
        for comment, command, expected in SESSION:
            rows, code = run(command, folder)
            if code != expected:
                said = "\n".join("".join(cell.data for cell in row).rstrip() for row in rows)
                sys.exit(f"{command}: exit code {code}, expected {expected}\n{said}")
            picture.play(comment, command, rows)
    options.output.write_text(picture.svg(), encoding="utf-8")
    print(f"{options.output}: {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
