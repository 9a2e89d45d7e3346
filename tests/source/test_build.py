# SPDX-License-Identifier: MIT
"""Builds and installs: compilers, options, prefixes; with warnings as errors."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
DEBIAN_ZSH = pathlib.Path("/usr/share/zsh/vendor-completions")
# Most of these builds differ in what they install and not in what they compile. They lie where tests/run has its own:
# the same sources by the same relative names are the same to ccache.
BUILDS = TOP / "build-tests"
GCC = "cc"  # in Debian; by that name meson takes it, and by its name ccache knows a compiler
CACHE = {"CCACHE_DIR": str(BUILDS / "ccache"), "CCACHE_NOHASHDIR": "1"}


class Build:
    """A build directory that is gone at the end of the with block."""

    def __init__(self, *options, compiler=GCC):
        self.options = options
        self.environment = {**CACHE, **os.environ, "CC": f"ccache {compiler}"}
        self.chosen = {}  # by configure(); None while meson is at it

    def __enter__(self):
        BUILDS.mkdir(exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="source-", dir=BUILDS))
        try:
            self.run("meson", "setup", self.directory, TOP, "--werror", "-Dtests=disabled",
                     *self.options)
            self.compile()
            options = json.loads((self.directory / "meson-info/intro-buildoptions.json").read_text())
            self.at_setup = {option["name"]: option["value"] for option in options
                             if option["section"] == "user" or option["name"] == "prefix"}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def run(self, *command, **environment):
        done = subprocess.run([str(c) for c in command], env={**self.environment, **environment}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"{command}: exit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def compile(self):
        self.run("ninja", "-C", self.directory)

    def configure(self, *options):
        """Has the build be as it was set up but for these options, and nothing installed."""
        chosen = dict(option.removeprefix("-D").split("=", 1) for option in options)
        if chosen != self.chosen:
            self.chosen = None
            self.run("meson", "setup", "--reconfigure", self.directory, TOP,
                     *(f"-D{name}={value}" for name, value in (self.at_setup | chosen).items()))
            self.compile()
            self.chosen = chosen
        shutil.rmtree(self.directory / "root", ignore_errors=True)

    @property
    def program(self):
        return self.directory / "src/heartbeatd"

    def install(self):
        """Installs below a DESTDIR and returns it."""
        root = self.directory / "root"
        self.run("meson", "install", "-C", self.directory, "--no-rebuild", DESTDIR=str(root))
        return root


def files_below(root):
    return {f"/{path.relative_to(root)}" for path in root.rglob("*") if path.is_file()}


class Compilers(unittest.TestCase):
    time_limit = 300

    def test_gcc_and_clang_have_no_warning_with_and_without_libsystemd(self):
        """Nor when gcc optimizes more, or clang not at all: that is with the builds of the matrix. Clang does here what
        it does there, so that it compiles a file once."""
        for compiler, options in ((GCC, ()), ("clang", ("-Doptimization=3", "-Db_ndebug=true"))):
            with self.subTest(compiler), Build("-Dlibsystemd=enabled", *options, compiler=compiler) as build:
                self.assert_heartbeatctl_needs_the_c_library_alone(build)
                build.configure("-Dlibsystemd=disabled")
                self.assert_heartbeatctl_needs_the_c_library_alone(build)

    def assert_heartbeatctl_needs_the_c_library_alone(self, build):
        dynamic = build.run("readelf", "--dynamic", build.program.with_name("heartbeatctl"))
        self.assertEqual(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic), ["libc.so.6"])


class Built(unittest.TestCase):
    """One build for all tests of a class. Who needs other options than it is set up with configures it."""

    time_limit = 300
    together = True
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.build = Build(*cls.options).__enter__()
        cls.addClassCleanup(cls.build.__exit__)


class StaticMusl(unittest.TestCase):
    time_limit = 300

    def test_it_is_one_file_that_needs_no_other(self):
        with Build("-Dlibsystemd=disabled", "-Dc_link_args=-static", compiler="musl-gcc") as build:
            for program in (build.program, build.program.with_name("heartbeatctl")):
                headers = build.run("readelf", "--program-headers", "--dynamic", program)
                self.assertNotRegex(headers, r"INTERP|\(NEEDED\)")
            self.assertIn("without libsystemd", build.run(build.program, "--version"))

    def test_without_libsystemd_it_can_be_linked_with_a_shared_musl_too(self):
        with Build("-Dlibsystemd=disabled", compiler="musl-gcc") as build:
            needed = re.findall(r"\(NEEDED\).*\[(.*)\]", build.run("readelf", "--dynamic", build.program))
            self.assertEqual(needed, ["libc.so"])


class WithoutLibsystemd(Built):
    options = ("-Dlibsystemd=disabled",)

    def run_program(self, *arguments, **environment):
        with tempfile.TemporaryDirectory() as state:
            return subprocess.run([self.build.program, f"--state-dir={state}", *arguments], text=True,
                                  env={**os.environ, **environment}, capture_output=True, timeout=30)

    def test_links_nothing_but_the_c_library(self):
        needed = subprocess.run(["readelf", "-d", self.build.program], text=True, capture_output=True,
                                check=True)
        self.assertEqual(re.findall(r"\(NEEDED\).*\[(.*)\]", needed.stdout), ["libc.so.6"])

    def test_the_units_have_no_watchdog_that_nobody_feeds(self):
        for name in ("heartbeatd", "heartbeatd-user"):
            unit = (self.build.directory / f"units/{name}.service").read_text()
            self.assertNotRegex(unit, r"(?m)^WatchdogSec=")
            self.assertIn("without libsystemd", unit)

    def test_a_type_that_needs_notifications_is_refused_when_it_is_configured(self):
        for kind in ("notify", "notify-reload"):
            with self.assertRaisesRegex(AssertionError, f"-Dservice-type={kind} needs libsystemd"):
                Build("-Dlibsystemd=disabled", f"-Dservice-type={kind}").__enter__()

    def test_version_says_so(self):
        self.assertIn("without libsystemd", self.run_program("--version").stdout)

    def test_the_journal_output_is_refused_in_words(self):
        done = self.run_program("--output=journal")
        self.assertEqual((done.returncode, done.stdout), (6, ""))
        self.assertRegex(done.stderr, r"\Aheartbeatd: output journal: .*without libsystemd.*\n\Z")

    def test_a_notify_socket_that_cannot_be_served_is_said_and_ignored(self):
        done = self.run_program("--output=/nowhere/x", NOTIFY_SOCKET="/run/nothing")
        self.assertRegex(done.stderr, r"(?m)^heartbeatd: \$NOTIFY_SOCKET is set, but .*without libsystemd")


class Install(Built):
    def installed(self, *options):
        """The directory below which everything lies that is installed with these options."""
        self.build.configure(*options)
        return self.build.install()

    def test_every_file_follows_the_prefix_and_nothing_else_is_touched(self):
        for prefix in ("/usr", "/usr/local", "/opt/heartbeat"):
            with self.subTest(prefix=prefix):
                root = self.installed(f"-Dprefix={prefix}")
                files = files_below(root)
                self.assertIn(f"{prefix}/bin/heartbeatd", files)
                self.assertIn(f"{prefix}/bin/heartbeatctl", files)
                self.assertIn(f"{prefix}/share/man/man1/heartbeatctl.1", files)
                self.assertIn(f"{prefix}/share/man/man8/heartbeatd.8", files)
                self.assertIn(f"{prefix}/share/man/man5/heartbeatd.conf.5", files)
                self.assertIn("/etc/heartbeatd.conf", files)
                self.check_completions(prefix, files)
                elsewhere = {f for f in files if not f.startswith((prefix + "/", "/etc/", "/lib/systemd/"))}
                self.assertEqual(elsewhere, set())
                units = [f for f in files if f.endswith("/heartbeatd.service")]
                self.assertEqual(len(units), 2)
                directory = "/lib/systemd/system" if prefix == "/usr" else f"{prefix}/lib/systemd/system"
                self.check_unit(prefix, root / f"{directory}/heartbeatd.service".lstrip("/"))

    def check_completions(self, prefix, files):
        zsh = "vendor-completions" if prefix == "/usr" and DEBIAN_ZSH.is_dir() else "site-functions"
        for program in ("heartbeatd", "heartbeatctl"):
            self.assertIn(f"{prefix}/share/bash-completion/completions/{program}", files)
            self.assertIn(f"{prefix}/share/fish/vendor_completions.d/{program}.fish", files)
            self.assertIn(f"{prefix}/share/zsh/{zsh}/_{program}", files)

    def check_unit(self, prefix, unit):
        text = unit.read_text()
        self.assertRegex(text, rf"(?m)^ExecStart={prefix}/bin/heartbeatd$")
        self.assertRegex(text, rf"(?m)^ExecPaths={prefix}/bin/heartbeatd ")

    def test_directories_can_be_chosen(self):
        names = ["systemd-unit-dir", "systemd-user-unit-dir", "sysusers-dir", "tmpfiles-dir", "catalog-dir",
                 "logrotate-dir", "config-dir", "bash-completion-dir", "zsh-completion-dir", "fish-completion-dir"]
        options = {name: f"/x/{name}" for name in names}
        files = files_below(self.installed(*(f"-D{name}={value}" for name, value in options.items())))
        for directory in options.values():
            self.assertTrue([f for f in files if f.startswith(directory + "/")], directory)
        self.assertIn("/x/config-dir/heartbeatd.conf", self.build.run(self.build.program, "--help"))

    def test_an_edited_configuration_file_stays(self):
        config = self.installed() / "etc/heartbeatd.conf"
        config.write_text("[Heartbeat]\nInterval=1min\n")
        self.build.install()
        self.assertEqual(config.read_text(), "[Heartbeat]\nInterval=1min\n")

    def test_type_of_the_unit_can_be_chosen_and_notify_reload_reloads_by_itself(self):
        for service_type in ("simple", "exec", "notify", "notify-reload"):
            with self.subTest(type=service_type):
                root = self.installed(f"-Dservice-type={service_type}")
                unit = (root / "usr/local/lib/systemd/system/heartbeatd.service").read_text()
                self.assertRegex(unit, rf"(?m)^Type={service_type}$")
                self.assertEqual("\nExecReload=" in unit, service_type != "notify-reload")

    def test_the_default_interval_can_be_chosen(self):
        root = self.installed("-Ddefault-interval=30")
        with tempfile.TemporaryDirectory() as state:
            printed = self.build.run(self.build.program, "--print-config", f"--state-dir={state}")
        unit = (root / "usr/local/lib/systemd/system/heartbeatd.service").read_text()
        config = (root / "etc/heartbeatd.conf").read_text()
        self.assertIn("\nInterval=30s\n", printed)
        self.assertIn("\n#Interval=30s\n", config)
        self.assertRegex(unit, r"(?m)^WatchdogSec=180s$")

    def test_setup_prints_what_was_chosen(self):
        self.build.configure()
        log = (self.build.directory / "meson-logs/meson-log.txt").read_text()
        for word in ("libsystemd", "Type= of the unit", "default interval", "systemd-unit-dir"):
            self.assertRegex(log, rf"(?m)^\s*{re.escape(word)}\s+: \S")


class InitScript(Built):
    """-Dinit-script="""

    options = ("--prefix=/opt/h",)
    OPTIONS = {"sysv": "default/heartbeatd", "openrc": "conf.d/heartbeatd"}

    def installed(self, choice, config_dir="/etc"):
        """The files below the configuration directory, relative to it, after an installation."""
        self.build.configure(f"-Dinit-script={choice}", f"-Dconfig-dir={config_dir}")
        root = self.build.install() / config_dir.lstrip("/")
        return {str(path.relative_to(root)): (path.stat().st_mode & 0o777, path.read_text())
                for path in root.rglob("*") if path.is_file()}

    def test_each_kind_comes_with_its_options_file_and_with_this_builds_paths(self):
        for choice, options in self.OPTIONS.items():
            with self.subTest(choice):
                files = self.installed(choice)
                mode, text = files["init.d/heartbeatd"]
                self.assertEqual(mode, 0o755)
                self.assertIn("/opt/h/bin/heartbeatd", text)
                self.assertNotRegex(text, r"@[A-Z_]+@")
                self.assertEqual(files[options][0], 0o644)
                self.assertEqual(set(files) & set(self.OPTIONS.values()), {options})

    def test_none_is_none(self):
        self.assertEqual(set(self.installed("none")), {"heartbeatd.conf", "logrotate.d/heartbeatd"})

    def test_auto_goes_by_the_directories_that_are_there(self):
        for directories, options in (((), None), (("init.d",), "default/heartbeatd"),
                                     (("init.d", "runlevels"), "conf.d/heartbeatd"), (("runlevels",), None)):
            with self.subTest(directories), tempfile.TemporaryDirectory() as host:
                for directory in directories:
                    (pathlib.Path(host) / directory).mkdir()
                files = self.installed("auto", config_dir=host)
                self.assertEqual(set(files) & set(self.OPTIONS.values()), {options} if options else set())
                self.assertEqual("init.d/heartbeatd" in files, options is not None)

    def test_an_edited_options_file_stays(self):
        self.build.configure("-Dinit-script=sysv")
        options = self.build.install() / "etc/default/heartbeatd"
        options.write_text("DAEMON_USER=\n")
        self.build.install()
        self.assertEqual(options.read_text(), "DAEMON_USER=\n")
