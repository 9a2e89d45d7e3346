# SPDX-License-Identifier: MIT
"""The tree as text: what may stand where, and what style checkers have to say."""

import os
import pathlib
import re
import subprocess
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
SRC = TOP / "src"

# A layer may include from itself and from those below it.
LAYERS_BELOW = {
    "util": set(),
    "core": {"util"},
    "store": {"core", "util"},
    "ctl": {"store", "core", "util"},
    "daemon": {"store", "core", "util"},
}


def sources(*patterns):
    return sorted(path for pattern in patterns for path in SRC.glob(pattern))


def scripts():
    return [TOP / "tests/run", TOP / ".ci/run", *sorted((TOP / "units").glob("*.sh")),
            TOP / "units/heartbeatd.init", TOP / "units/heartbeatd.openrc",
            *sorted((TOP / "tests").glob("**/*.sh"))]


def completions():
    return sorted(path for pattern in ("*.bash", "_*", "*.fish") for path in (TOP / "units").glob(pattern))


def output_of(*command, **arguments):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **arguments)
    return done.returncode, done.stdout + done.stderr


class Layout(unittest.TestCase):
    def test_top_level_is_what_it_is_meant_to_be(self):
        allowed = {"src", "units", "tests", "meson.build", "meson_options.txt", "README.md", "LICENSE"}
        found = {entry for entry in os.listdir(TOP) if not entry.startswith((".", "build"))}
        self.assertEqual(found, allowed)

    def test_includes_go_down_only(self):
        for path in sources("*/*.[ch]"):
            layer = path.parent.name
            for included in re.findall(r'^#include "(\w+)/', path.read_text(), re.MULTILINE):
                self.assertIn(included, LAYERS_BELOW[layer] | {layer}, f"{path} includes from {included}")

    def test_libsystemd_is_known_to_two_files_only(self):
        users = {path.name for path in sources("*/*.[ch]") if "<systemd/" in path.read_text()}
        self.assertEqual(users, {"notify.c", "output-journal.c"})

    def test_no_caller_depends_on_how_it_was_built(self):
        for path in sources("*/*.[ch]"):
            self.assertNotRegex(path.read_text(), r"(?m)^#\s*if", f"{path}: a condition of the preprocessor")

    def test_core_does_no_input_or_output_and_reads_no_clock(self):
        banned = r"\b(open|read|write|fopen|printf|fprintf|clock_gettime|time|gettimeofday|getenv)\("
        for path in sources("core/*.[ch]"):
            code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
            self.assertNotRegex(code, banned, str(path))

    def test_each_module_has_its_unit_test(self):
        # What only the built program can show is tested there.
        elsewhere = {"check", "chronicle", "clocks", "control", "daemonize", "explain", "finder", "gaps", "main",
                     "notify-none", "output-journal", "output-journal-none", "output-stdout", "output-syslog",
                     "report", "service", "shade", "status", "story", "svg", "timeline"}
        modules = {path.stem for path in sources("*/*.c")} - elsewhere
        tested = {path.stem.removeprefix("test-") for path in (TOP / "tests/unit").glob("test-*.c")}
        self.assertEqual(modules - tested, set())

    def test_each_file_names_its_licence(self):
        files = [*sources("*/*.[ch]"), *scripts(), *completions(), *TOP.glob("tests/**/*.py"), *TOP.glob("tests/**/*.[ch]"),
                 *TOP.glob("**/meson.build"), TOP / "meson_options.txt"]
        for path in files:
            if not path.relative_to(TOP).parts[0].startswith("build"):
                self.assertIn("SPDX-License-Identifier: MIT", path.read_text()[:200], str(path))


class InitScripts(unittest.TestCase):
    """Headers that nothing complains of when they are wrong."""

    def header(self):
        text = (TOP / "units/heartbeatd.init").read_text()
        lsb = re.search(r"^### BEGIN INIT INFO$(.*)^### END INIT INFO$", text, re.DOTALL | re.MULTILINE)[1]
        return dict(re.findall(r"^# ([A-Z][\w-]+): *(.*)$", lsb, re.MULTILINE)), text

    def test_the_lsb_header_needs_file_systems_and_no_more(self):
        header, _ = self.header()
        description = header.pop("Description")
        self.assertEqual(header, {
            "Provides": "heartbeatd",
            "Required-Start": "$local_fs $remote_fs", "Required-Stop": "$local_fs $remote_fs",
            "Should-Start": "$syslog $time", "Should-Stop": "$syslog",
            "Default-Start": "2 3 4 5", "Default-Stop": "0 1 6",
            "Short-Description": "heartbeat daemon",
        })
        self.assertTrue(description)

    def test_the_chkconfig_header_says_the_same(self):
        header, text = self.header()
        levels = re.search(r"^# chkconfig: (\d+) 99 01$", text, re.MULTILINE)[1]
        self.assertEqual(" ".join(levels), header["Default-Start"])
        self.assertEqual(re.search(r"^# description: (.*)$", text, re.MULTILINE)[1], header["Description"])


class Style(unittest.TestCase):
    def test_c_is_formatted_as_clang_format_has_it(self):
        files = [*sources("*/*.[ch]"), *(TOP / "tests").glob("**/*.[ch]")]
        status, output = output_of("clang-format", "--dry-run", "-Werror", *files, cwd=TOP)
        self.assertEqual((status, output), (0, ""))

    def test_shellcheck_has_nothing_to_say(self):
        status, output = output_of("shellcheck", "--external-sources", *scripts(), cwd=TOP)
        self.assertEqual((status, output), (0, ""))
        # Words without blanks, as those that a shell completes are, may be split: SC2207.
        files = [path for path in completions() if path.suffix == ".bash"]
        status, output = output_of("shellcheck", "--exclude=SC2207", *files)
        self.assertEqual((status, output), (0, ""))
        # What those of an init read; there they mean something.
        options = [TOP / "units/heartbeatd.default", TOP / "units/heartbeatd.confd"]
        status, output = output_of("shellcheck", "--shell=sh", *options)
        self.assertEqual((status, output), (0, ""))

    def test_no_test_waits_for_a_fixed_time(self):
        for path in [*(TOP / "tests").glob("**/*.sh"), TOP / "tests/run"]:
            self.assertNotRegex(path.read_text(), r"(?m)^\s*sleep\b", str(path))


class Manuals(unittest.TestCase):
    def test_manuals_have_no_finding_of_mandoc(self):
        # References to the manuals of other packages are found only where those are installed.
        done = subprocess.run(["mandoc", "-Tlint", "heartbeatctl.1", "heartbeatd.8", "heartbeatd.conf.5"], cwd=SRC, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        findings = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
        self.assertEqual(findings, [])

    def test_readme_is_short(self):
        self.assertLess(len((TOP / "README.md").read_text().splitlines()), 360)
