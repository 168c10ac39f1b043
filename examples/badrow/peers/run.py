#!/usr/bin/env python3
"""The bad-row story in dbt and in SQLMesh, run for real.

Installs both (wheels only) into virtual environments outside the repository, plays the three steps of the story with
the command each tool recommends, asks after each run what a reader of the production table sees, and writes the
commands with their trimmed output to OUTPUT.md.

    python3 examples/badrow/peers/run.py
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lockgate"
PEERS = {
    "dbt": ["dbt-core==1.10.*", "dbt-duckdb==1.9.*"],
    "sqlmesh": ["sqlmesh"],
}
ENVIRONMENT = {
    **os.environ,
    "NO_COLOR": "1",
    "DBT_USE_COLORS": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_PROFILES_DIR": ".",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "COLUMNS": "110",
}
NOISE = ("START ", "batches executed", "deprecated", "partial parsing", "━", "Running with", "Registered adapter")


def install(peer):
    """The folder of the peer's programs; installs only what is missing."""
    home = CACHE / f"peer-{peer}"
    programs = home / "bin"
    if not (programs / peer).exists():
        print(f"installing {' '.join(PEERS[peer])} under {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        install = [programs / "python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PEERS[peer]]
        subprocess.run(install, check=True)
    return programs


def trim(text):
    """Without colours, clock times, durations, progress bars and blank lines: what a person reads."""
    lines = []
    for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "\n").splitlines():
        line = re.sub(r"^\d\d:\d\d:\d\d\s{0,2}", "", line).rstrip()
        if line.strip() and not any(word in line for word in NOISE) and not re.fullmatch(r"[\d.]+s", line.strip()):
            lines.append(line)
    return "\n".join(lines)


class Story:
    """One peer in its own copy of the project, and what is written about it."""

    def __init__(self, peer, table):
        self.peer, self.table, self.text = peer, table, []
        self.programs = install(peer)
        self.folder = CACHE / f"badrow-{peer}"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(HERE / peer, self.folder)
        shutil.copy(HERE / "read.py", self.folder)
        (self.folder / "data").mkdir()

    def step(self, name):
        shutil.copy(HERE.parent / "steps" / name, self.folder / "data" / "orders.csv")
        self.text.append(f"$ cp steps/{name} data/orders.csv")

    def run(self, *words):
        command = [self.programs / words[0], *words[1:]]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, **output)
        typed = " ".join(f"'{word}'" if " " in word else word for word in words)
        self.text += [f"$ {typed}", trim(done.stdout), f"[exit code {done.returncode}]", ""]

    def read(self):
        """The production table as a reader sees it; returns its lines."""
        query = f"select customer, orders, revenue from {self.table} order by customer"
        command = [self.programs / "python", "read.py", query]
        done = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, check=True)
        self.text += [f'$ python read.py "{query}"', done.stdout.strip(), ""]
        return done.stdout

    def version(self, *words):
        command = [self.programs / "python", "-m", "pip", "list"]
        done = subprocess.run(command, text=True, capture_output=True, check=True)
        wanted = [line.split() for line in done.stdout.splitlines() if line.split()[0] in words]
        return ", ".join(f"{name} {version}" for name, version in wanted)

    def verdict(self, seen):
        bad = any("-310.25" in line for line in seen.splitlines())
        what = "the bad row" if bad else "the last good state"
        return f"**After the bad run a reader of `{self.table}` sees {what}.**"


def dbt():
    story = Story("dbt", "main.revenue")
    story.step("1-good.csv")
    story.run("dbt", "build")
    story.read()
    story.step("2-bad.csv")
    story.run("dbt", "build")
    seen = story.read()
    return (
        f"## dbt\n\n{story.version('dbt-core', 'dbt-duckdb', 'duckdb')}. The project is in `dbt/`; the rule is the test\n"
        "`tests/revenue_not_negative.sql`. `dbt build` replaces the table, then tests it. (Models downstream of the\n"
        "failed test would be skipped; the tested table itself has already been replaced.)\n\n"
        f"{story.verdict(seen)}\n\n```console\n" + "\n".join(story.text).strip() + "\n```\n"
    )


def sqlmesh():
    story = Story("sqlmesh", "mart.revenue")
    story.step("1-good.csv")
    story.run("sqlmesh", "plan", "--auto-apply", "--execution-time", "1 day ago")
    story.read()
    story.step("2-bad.csv")
    story.run("sqlmesh", "run")
    seen = story.read()
    return (
        f"## SQLMesh\n\n{story.version('sqlmesh', 'duckdb')}. The project is in `sqlmesh/`; the rule is the blocking audit\n"
        "`audits/revenue_not_negative.sql`. `sqlmesh plan` builds a changed model beside the old one and audits it before\n"
        "production points to it. The scheduled `sqlmesh run`, which is what takes in new data, writes into the table\n"
        "that production already points to, and audits after that. (`--execution-time` puts the first day's plan on the\n"
        "day before, so that the day's `sqlmesh run` has an interval to process.)\n\n"
        f"{story.verdict(seen)}\n\n```console\n" + "\n".join(story.text).strip() + "\n```\n"
    )


def main():
    head = (
        "# The bad row in dbt and SQLMesh\n\n"
        "Written by `python3 examples/badrow/peers/run.py`; clock times, colours and progress bars are cut out.\n"
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}.\n"
    )
    text = "\n".join([head, dbt(), sqlmesh()])
    (HERE / "OUTPUT.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
