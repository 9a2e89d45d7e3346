# SPDX-License-Identifier: MIT
"""One list of options, keys, exit codes, causes and fields: what the binary takes and writes, its help, the
manual pages, the installed config file, the journal's catalog and the README say the same."""

import re

import harness

MANUAL = harness.SOURCE / "src/heartbeatd.8"
CONF_MANUAL = harness.SOURCE / "src/heartbeatd.conf.5"
CONF = harness.SOURCE / "units/heartbeatd.conf"
README = harness.SOURCE / "README.md"
CATALOG = harness.SOURCE / "units/heartbeatd.catalog"
VERDICT, PULSE, EVENT = (harness.SOURCE / f"src/core/{name}.c" for name in ("verdict", "pulse", "event"))
JOURNAL = harness.SOURCE / "src/daemon/output-journal.c"

# These are on the command line only.
ONLY_OPTIONS = {"fork", "running", "stop", "config", "check-config", "print-config", "record-exit",
                "pid-file", "user", "ready-fd", "help", "version"}
WITH_KEYS = {"interval": "Interval", "message": "Message", "output": "Output", "format": "Format",
             "log-every": "LogEvery", "sync": "Sync", "history-max": "HistoryMax", "metrics": "Metrics",
             "state-dir": "StateDir"}
EXIT_CODES = {0, 1, 2, 4, 6, 150}


def section(text, name):
    """What stands under one heading of a manual page."""
    return re.search(rf'^\.Sh "?{name}"?\n(.*?)(?=^\.Sh |\Z)', text, re.M | re.S)[1]


class OptionsAgree(harness.Case):
    every = ONLY_OPTIONS | set(WITH_KEYS)

    def help(self):
        return self.run_command("--help").out

    def defaults(self):
        """Key to value as --print-config has them."""
        lines = self.run_command("--print-config").out.splitlines()[1:]
        return dict(line.split("=", 1) for line in lines)

    def test_help_has_them_all(self):
        self.assertEqual(set(re.findall(r"--([a-z-]+)", self.help())), self.every)

    def test_the_manual_describes_them_all(self):
        text = MANUAL.read_text()
        self.assertEqual(set(re.findall(r"^\.It Fl -([a-z-]+)", text, re.M)), self.every)
        self.assertLessEqual(set(re.findall(r"\bFl -([a-z-]+)", text)), self.every)

    def test_the_synopsis_has_them_all(self):
        text = section(MANUAL.read_text(), "SYNOPSIS")
        self.assertEqual(set(re.findall(r"Fl -([a-z-]+)", text)), self.every)

    def test_the_binary_takes_them_all_and_no_others(self):
        for option in self.every:
            result = self.run_command(f"--{option}=")
            self.assertEqual(result.code, 2, option)
            self.assertNotIn("unknown option", result.err, option)
        for option in ("metric", "reload", "status", "user-name", "no-fork"):
            self.assertIn("unknown option", self.run_command(f"--{option}").err, option)

    def test_the_config_manual_describes_every_key(self):
        text = section(CONF_MANUAL.read_text(), "KEYS")
        self.assertEqual(re.findall(r"^\.It Va ([A-Za-z]+)=", text, re.M), list(WITH_KEYS.values()))

    def test_print_config_prints_every_key(self):
        self.assertEqual(list(self.defaults()), list(WITH_KEYS.values()))

    def test_the_installed_config_file_has_every_key_commented_out_with_its_default(self):
        found = dict(re.findall(r"^#([A-Z][A-Za-z]*)=(.*)$", CONF.read_text(), re.M))
        self.assertEqual(list(found), list(WITH_KEYS.values()))
        defaults = self.defaults()
        for key in ("Interval", "Message", "Format", "LogEvery", "Sync", "HistoryMax", "Metrics"):
            self.assertEqual(found[key], defaults[key], key)

    def test_the_installed_config_file_is_good_as_it_is_and_uncommented(self):
        as_installed = self.config(CONF.read_text(), "installed.conf")
        self.assertEqual(self.run_command("--check-config", f"--config={as_installed}").code, 0)
        uncommented = re.sub(r"^#([A-Z][A-Za-z]*=)", r"\1", CONF.read_text(), flags=re.M)
        path = self.config(uncommented)
        result = self.run_command("--print-config", f"--config={path}")
        self.assertEqual(result.code, 0, result)
        self.assertIn("StateDir=/var/lib/heartbeatd\n", result.out)

    def test_keys_and_options_mean_the_same(self):
        values = {"interval": "7s", "message": "hi", "output": "/x/y", "format": "plain", "log-every": "1h",
                  "sync": "never", "history-max": "1M", "metrics": "/x/y.prom", "state-dir": "/s"}
        self.assertEqual(set(values), set(WITH_KEYS))
        options = [f"--{name}={value}" for name, value in values.items()]
        path = self.config("[Heartbeat]\n" + "".join(f"{WITH_KEYS[n]}={v}\n" for n, v in values.items()))
        by_options = self.run_command("--print-config", "--config=/dev/null", *options)
        by_keys = self.run_command("--print-config", f"--config={path}")
        self.assertEqual((by_options.code, by_options.out), (by_keys.code, by_keys.out))
        for value in values.values():
            self.assertIn(value, by_keys.out)

    def test_what_is_only_an_option_is_no_key(self):
        for option in ONLY_OPTIONS:
            key = "".join(word.capitalize() for word in option.split("-"))
            path = self.config(f"[Heartbeat]\n{key}=1\n")
            result = self.run_command("--check-config", f"--config={path}")
            self.one_error(result, 6, f":2: {key}: unknown key")

    def test_the_readme_mentions_every_option_and_key(self):
        text = README.read_text()
        for option in self.every:
            self.assertIn(f"--{option}", text)
        for key in WITH_KEYS.values():
            self.assertIn(f"{key}=", text)


class ExitCodesAgree(harness.Case):
    def test_the_manual_lists_them(self):
        listed = re.findall(r"^\.It (?:Li )?(\d+)", section(MANUAL.read_text(), "EXIT STATUS"), re.M)
        self.assertEqual(set(map(int, listed)) - {3}, EXIT_CODES)

    def test_each_can_be_had(self):
        bad = self.config("[Heartbeat]\nInterval=0\n")
        other = self.make_directory("state2")
        no_file_may_grow = ["prlimit", "--fsize=0", "--"]  # neither the pulse nor what takes the error's line
        self.start_beating("--interval=1d")
        commands = {0: ["--help"], 1: ["--output=/dev/full", f"--state-dir={other}"], 2: ["--foo"],
                    4: ["--fork", "--user=nobody"], 6: ["--check-config", f"--config={bad}"], 150: []}
        for code, args in commands.items():
            wrapper = no_file_may_grow if code == 1 else ()
            self.assertEqual(self.run_command(*self.common(args), wrapper=wrapper).code, code, args)
        self.assertEqual(set(commands), EXIT_CODES)

    def test_the_manual_lists_the_codes_of_running(self):
        text = section(MANUAL.read_text(), "EXIT STATUS")
        self.assertRegex(text, r"(?s)running.*\b0\b.*\b1\b.*\b3\b")


class CausesAgree(harness.Case):
    """The words for why a beat was missing, wherever somebody looks one up."""

    @staticmethod
    def causes():
        """As the program has them."""
        names = re.search(r"cause_names\[CAUSE_COUNT\]\[\d+\] = \{\n(.*?)\n\};", VERDICT.read_text(), re.S)[1]
        return re.findall(r'^ *\[CAUSE_\w+\] = "([a-z-]+)",$', names, re.M)

    def test_there_are_some(self):
        self.assertEqual(len(self.causes()), VERDICT.read_text().count("] = \"") - len(self.host_states()))
        self.assertIn("service-watchdog-killed", self.causes())

    @staticmethod
    def host_states():
        return re.findall(r'^ *\[HOST_\w+\] = "([a-z]+)",$', VERDICT.read_text(), re.M)

    def test_the_manual_explains_each(self):
        text = section(MANUAL.read_text(), "GAPS")
        self.assertEqual(sorted(re.findall(r"^\.It Cm ([a-z-]+)\n[A-Z]", text, re.M)), sorted(self.causes()))
        self.assertEqual(sorted(re.findall(r"^\.It Cm ([a-z-]+)\n[a-z]", text, re.M)),
                         sorted(self.host_states()))

    def test_the_catalog_explains_each(self):
        entry = CATALOG.read_text().partition("-- c3378d648c7b4d1f952a085735da6e5b\n")[2]
        self.assertEqual(sorted(re.findall(r"^([a-z-]+): [A-Z]", entry, re.M)), sorted(self.causes()))
        for field in re.findall(r"@(\w+)@", entry):
            self.assertIn(f".Va {field}", MANUAL.read_text())
        states = re.search(r"host was: @HEARTBEAT_GAP_HOST@ \((.*?)\)", entry, re.S)[1]
        states = re.findall("[a-z]+", states.replace(" or ", " "))
        self.assertEqual(sorted(states), sorted(self.host_states()))

    def test_the_readme_names_each(self):
        named = re.search(r"^The causes are (.*?), where nothing", README.read_text(), re.M | re.S)[1]
        self.assertEqual(sorted(re.findall(r"[a-z-]+", named.replace(" and ", " "))), sorted(self.causes()))

    def test_the_entries_of_the_journal_are_those_of_the_catalog(self):
        ids = re.findall(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), re.M)
        defined = re.findall(r'^#define MESSAGE_ID_\w+ "([0-9a-f]{32})"$', JOURNAL.read_text(), re.M)
        self.assertEqual(defined, ids)
        for number in ids:
            self.assertIn(number, MANUAL.read_text())

    def test_the_manual_has_every_field_of_a_gap_in_the_journal(self):
        fields = set(re.findall(r'"(HEARTBEAT_GAP_\w+)[="]', JOURNAL.read_text()))
        self.assertEqual(len(fields), 8)
        self.assertEqual(set(re.findall(r"^\.Va (HEARTBEAT_GAP_\w+)", MANUAL.read_text(), re.M)), fields)


class FilesAgree(harness.Case):
    """What stands in pulse and history, and what the manual says does."""

    def keys_of(self, name, heading):
        """The keys that one part of a section of the manual explains or lists."""
        text = section(MANUAL.read_text(), name)
        part = re.search(rf"^\.Ss {heading}\n(.*?)(?=^\.Ss |\Z)", text, re.M | re.S)[1]
        lists = re.findall(r"^(?:\.It )?\.?Va ([a-z_ ,]+)", part.replace(".It Va", ".Va"), re.M)
        return {word for words in lists for word in re.findall("[a-z_]+", words)}

    def test_the_pulse(self):
        source = PULSE.read_text()
        keys = set(re.findall(r'^    \{ "([a-z_]+)", offsetof', source, re.M))
        keys |= set(re.findall(r'logfmt_add(?:_number)?\(&?line, "([a-z_]+)"', source)) | {"sum"}
        self.assertGreater(len(keys), 15)
        self.assertEqual(self.keys_of("PULSE AND HISTORY", "pulse"), keys)

    def test_the_history(self):
        source = EVENT.read_text()
        kinds = re.findall(r'\[EVENT_[A-Z]+\] = "([a-z]+)"', source)
        text = section(MANUAL.read_text(), "PULSE AND HISTORY")
        self.assertEqual(re.findall(r"^\.It Cm ([a-z]+)$", text, re.M), kinds)
        keys = set(re.findall(r'^    \{ LOGFMT_KEY\("([a-z_]+)"\)', source, re.M)) | {"v"}
        self.assertGreater(len(keys), 40)
        said = self.keys_of("PULSE AND HISTORY", "history")
        for heading in ("What the history has of it", "The host meanwhile"):
            said |= self.keys_of("GAPS", heading)
        self.assertEqual(said, keys)


class MetricsAgree(harness.Case):
    def test_the_manual_describes_each(self):
        text = section(MANUAL.read_text(), "METRICS")
        lists = re.findall(r"^\.It Va (heartbeat_[a-z_, ]+)", text, re.M)
        described = [name for names in lists for name in names.split(" , ")]
        source = (harness.SOURCE / "src/core/exposition.c").read_text()
        written = re.findall(r'put_(?:head|time|number)\(&?text, "([a-z_]+)"', source)
        self.assertGreater(len(written), 10)
        self.assertEqual(described, [f"heartbeat_{name}" for name in written_in_order(source, written)])


def written_in_order(source, names):
    """The names of the metrics in the order in which they are written: those with a function of their own where it
    is called."""
    body = source[source.index("size_t exposition_format("):]
    places = {"lateness_seconds": "put_lateness", "gaps_total": "put_gaps", "last_gap_timestamp_seconds": "put_gaps",
              "run_info": "put_info"}
    return sorted(names, key=lambda name: (body.index(places.get(name, f'"{name}"')), names.index(name)))


class PagesAgree(harness.Case):
    def test_specifiers_are_in_manual_and_help(self):
        manual, config_manual = MANUAL.read_text(), CONF_MANUAL.read_text()
        text = self.run_command("--help").out
        for letter in "ntHbu%":
            for where in (manual, config_manual, text, CONF.read_text()):
                self.assertIn(f"%{letter}", where)

    def test_examples_of_error_lines_are_real(self):
        """The manual's DIAGNOSTICS: the line for an interval, put back on one line."""
        text = re.sub(r"\n +", " ", section(MANUAL.read_text(), "DIAGNOSTICS"))
        line = re.search(r'^heartbeatd: --interval: "5ms": .*$', text, re.M)[0]
        self.assertEqual(self.run_command("--interval=5ms").err, line + "\n")
