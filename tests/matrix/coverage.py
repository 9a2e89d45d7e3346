#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What of src/ the tests have run, by a build with -Db_coverage=true:  coverage.py BUILD LINES BRANCHES

Prints the share of lines and branches that were run, of each layer and of all, and by name each line of core and
store that never was. Fails when the shares of all are below LINES and BRANCHES, in per cent.

    coverage.py prepare BUILD

makes the files that the programs of BUILD count into, so that they can do so whoever they run as.
"""

import collections
import json
import pathlib
import subprocess
import sys

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
NAMED = ("core", "store")


def prepare(build):
    for notes in build.rglob("*.gcno"):
        counters = notes.with_suffix(".gcda")
        counters.write_bytes(b"")
        counters.chmod(0o666)


def gcov(build):
    """What gcov has to say of each object of the programs."""
    notes = sorted((build / "src").resolve().rglob("*.gcno"))
    for counters in (path.with_suffix(".gcda") for path in notes):
        if counters.exists() and not counters.stat().st_size:
            counters.unlink()  # an object that never ran: gcov takes none for that, but no empty file
    done = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", *map(str, notes)],
                          stdout=subprocess.PIPE, check=True, cwd=build)
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def count(build):
    """How often each line of src/ was run, and each branch of it taken. Code of a header is in many objects."""
    lines, branches = collections.Counter(), collections.Counter()
    for unit in gcov(build):
        for file in unit["files"]:
            path = pathlib.Path(unit["current_working_directory"], file["file"]).resolve()
            if SRC not in path.parents:
                continue
            name = str(path.relative_to(SRC))
            for line in file["lines"]:
                lines[name, line["line_number"]] += line["count"]
                for number, branch in enumerate(line["branches"]):
                    branches[name, line["line_number"], number] += branch["count"]
    return lines, branches


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
        if text != "for (;;) {":  # which is no code, for all that gcov says
            print(f"never run: src/{name}:{number}: {text}")


def report(build, least_lines, least_branches):
    lines, branches = count(build)
    show(lines, branches)
    show_never_run(lines)
    low = [f"{what}: {share(counts)[2]:.1f} %, expected {least} % at least"
           for what, counts, least in (("lines", lines, least_lines), ("branches", branches, least_branches))
           if share(counts)[2] < least]
    sys.exit("\n".join(low) or None)


def main():
    match sys.argv[1:]:
        case ["prepare", build]:
            prepare(pathlib.Path(build))
        case [build, lines, branches]:
            report(pathlib.Path(build), float(lines), float(branches))
        case _:
            sys.exit("usage: coverage.py prepare BUILD | coverage.py BUILD LINES BRANCHES")


if __name__ == "__main__":
    main()
