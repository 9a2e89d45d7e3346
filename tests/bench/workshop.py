# SPDX-License-Identifier: MIT
"""What the benchmark measures, made ready: heartbeatd built in three ways, and Debian's packages unpacked. All of it
lies in one directory."""

import os
import pathlib
import shutil
import tempfile

from processes import BenchError, output_of

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("earlyoom", "rsyslog", "libestr0", "libfastjson4", "busybox", "mawk", "jq", "libjq1", "libonig5")
TOOLS = ("first-line", "floor", "million", "repeat", "tutorial", "watch")
STATIC_MUSL = ("-Dc_link_args=-static",)
NEEDED = {"meson": "meson", "gcc": "gcc", "musl-gcc": "musl-tools", "strace": "strace", "apt-get": "apt",
          "dash": "dash", "dpkg-deb": "dpkg", "wc": "coreutils"}


class Build:
    """A build directory of the project; it stays there for the next run."""

    def __init__(self, directory, *options, compiler="", tools=()):
        self.directory = directory
        environment = {**os.environ, **({"CC": compiler} if compiler else {})}
        if not (directory / "build.ninja").exists():
            output_of(["meson", "setup", directory, SOURCE, "--werror", *options], env=environment)
        output_of(["meson", "compile", "-C", directory, "heartbeatd", "heartbeatctl", *tools], env=environment)
        self.daemon = directory / "src/heartbeatd"
        self.ctl = directory / "src/heartbeatctl"

    def tool(self, name):
        return self.directory / "tests/bench" / name


class Packages:
    """Debian packages, not installed."""

    def __init__(self, directory):
        self.root = directory / "root"
        if not self.root.is_dir():
            self.unpack(directory)
        libraries = {path.parent for path in self.root.rglob("*.so.*")}
        # For the programs that are linked with those.
        self.environment = {"LD_LIBRARY_PATH": ":".join(map(str, sorted(libraries)))}

    def unpack(self, directory):
        with tempfile.TemporaryDirectory(dir=directory.parent) as place:
            try:
                output_of(["apt-get", "download", *PACKAGES], cwd=place)
            except BenchError:  # by lists that are old, or none
                output_of(["apt-get", "update"])
                output_of(["apt-get", "download", *PACKAGES], cwd=place)
            partial = pathlib.Path(place) / "root"
            for archive in sorted(pathlib.Path(place).glob("*.deb")):
                output_of(["dpkg-deb", "-x", archive, partial])
            directory.mkdir(exist_ok=True)
            partial.rename(self.root)

    def program(self, name):
        for directory in ("usr/bin", "usr/sbin", "bin", "sbin"):
            if (path := self.root / directory / name).exists():
                return path
        raise BenchError(f"{name} is in none of these packages: {' '.join(PACKAGES)}")

    @property
    def rsyslog_modules(self):
        return next(self.root.rglob("immark.so")).parent


class Workshop:
    def __init__(self, directory):
        missing = sorted({package for tool, package in NEEDED.items() if not shutil.which(tool)})
        if missing:
            raise BenchError(f"to be installed first: {' '.join(missing)}")
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.packages = Packages(directory / "packages")
        self.builds = {
            "libsystemd": Build(directory / "libsystemd", "-Dlibsystemd=enabled", tools=TOOLS),
            "without": Build(directory / "without", "-Dlibsystemd=disabled", "-Dtests=disabled"),
            "musl": Build(directory / "musl", "-Dlibsystemd=disabled", "-Dtests=disabled", *STATIC_MUSL,
                          compiler="musl-gcc"),
        }
        self.tool = self.builds["libsystemd"].tool
