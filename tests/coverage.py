#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What of src/ the tests have run, by clang's source-based coverage:  coverage.py BUILD COUNTS LINES BRANCHES

COUNTS is the directory where the programs of the build have written what they count, as -fprofile-instr-generate= has
told them when they were built. Sanitizers may be in the same build: these counters are of the
source, and what else a compiler makes branches for is not among them.

Prints the share of lines and branches that were run, of each layer and of all, and by name each line of core and
store that never was. Fails when the shares of all are below LINES and BRANCHES, in per cent.

    coverage.py prepare BUILD COUNTS

makes the files that the daemon and heartbeatctl count into, so that they can do so whoever they run as.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

SRC = pathlib.Path(__file__).resolve().parents[1] / "src"
NAMED = ("core", "store")
PROGRAMS = ("heartbeatd", "heartbeatctl")


def prepare(build, counts):
    for program in PROGRAMS:
        subprocess.run([build / "src" / program, "--version"], stdout=subprocess.DEVNULL, check=True)
    for path in counts.iterdir():
        path.chmod(0o666)


def merge(counts):
    """Makes one file of all that was counted, and returns it."""
    profile = counts / "all.profdata"
    raw = [path for path in counts.glob("*.profraw") if path.stat().st_size]
    subprocess.run(["llvm-profdata", "merge", "--sparse", f"--output={profile}", *raw], check=True)
    return profile


def export(build, profile, form):
    """What llvm-cov has to say of all code of the programs, whichever program ran it."""
    objects = [f"--object={build / 'src' / program}" for program in PROGRAMS]
    done = subprocess.run(["llvm-cov", "export", f"--format={form}", "--skip-functions", f"--instr-profile={profile}",
                           *objects], stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def below_src(build, path):
    """The path relative to src/ of a file as clang was told of it; None for one elsewhere."""
    path = pathlib.Path(os.path.normpath(build / path))
    return str(path.relative_to(SRC)) if SRC in path.parents else None


def count_lines(build, tracefile):
    """How often each line of src/ was run, by an lcov tracefile (geninfo(1))."""
    lines = collections.Counter()
    name = None
    for kind, _, fields in (line.partition(":") for line in tracefile.splitlines()):
        if kind == "SF":
            name = below_src(build, fields)
        elif kind == "DA" and name:
            number, times = fields.split(",")[:2]
            lines[name, int(number)] += int(times)
    return lines


def count_branches(build, files):
    """How often each branch of src/ was taken. One of a header is told of by each object that has it."""
    branches = collections.Counter()
    for file in files:
        name = below_src(build, file["filename"])
        for *place, true, false, _, _, _ in file["branches"] if name else []:
            branches[name, *place, True] += true
            branches[name, *place, False] += false
    return branches


def count(build, counts):
    profile = merge(counts)
    files = json.loads(export(build, profile, "text"))["data"][0]["files"]
    return count_lines(build, export(build, profile, "lcov")), count_branches(build, files)


def share(counts, layer=""):
    """How many of a layer were run, of how many, in per cent."""
    of_layer = [times for (name, *_), times in counts.items() if name.startswith(layer)]
    run = sum(times > 0 for times in of_layer)
    return run, len(of_layer), 100 * run / max(len(of_layer), 1)


def show(lines, branches):
    layers = sorted({name.split("/")[0] for name, _ in lines})
    for layer in [*(f"{layer}/" for layer in layers), ""]:
        texts = [f"{part:.1f} % of {total} {what}" for what, counts in (("lines", lines), ("branches", branches))
                 for _, total, part in [share(counts, layer)]]
        print(f"src/{layer + ':':<8} {', '.join(texts)}")


def show_never_run(lines):
    for name, number in sorted(at for at, times in lines.items() if times == 0 and at[0].startswith(NAMED)):
        text = (SRC / name).read_text().splitlines()[number - 1].strip()
        print(f"never run: src/{name}:{number}: {text}")


def report(build, counts, least_lines, least_branches):
    lines, branches = count(build, counts)
    show(lines, branches)
    show_never_run(lines)
    low = [f"{what}: {share(run)[2]:.1f} %, expected {least} % at least"
           for what, run, least in (("lines", lines, least_lines), ("branches", branches, least_branches))
           if share(run)[2] < least]
    sys.exit("\n".join(low) or None)


def main():
    match sys.argv[1:]:
        case ["prepare", build, counts]:
            prepare(pathlib.Path(build), pathlib.Path(counts))
        case [build, counts, lines, branches]:
            report(pathlib.Path(build).resolve(), pathlib.Path(counts), float(lines), float(branches))
        case _:
            sys.exit("usage: coverage.py prepare BUILD COUNTS | coverage.py BUILD COUNTS LINES BRANCHES")


if __name__ == "__main__":
    main()
