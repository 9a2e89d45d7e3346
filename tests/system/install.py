# SPDX-License-Identifier: MIT
"""The project, built and installed in a machine of each kind, as the layers that scenarios start from."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import time

from machine import Machine, OpenRC, Shell, SysVInit, scratch
from trees import locked, root

SOURCE = pathlib.Path(os.environ.get("HEARTBEATD_SOURCE") or pathlib.Path(__file__).parents[2]).resolve()
INSIDE = "/usr/src/heartbeatd"
COMPILER = ("gcc", "libc6-dev", "pkg-config")
SYSTEMD = ("systemd-sysv", "dbus", "procps", "passwd", "logrotate", "libsystemd-dev") + COMPILER
SYSVINIT = ("sysvinit-core", "initscripts", "procps", "passwd", "meson") + COMPILER


@dataclasses.dataclass
class Kind:
    """A kind of host: a Debian suite, packages beyond the essential ones, an init, and how to build there."""

    suite: str
    packages: tuple
    machine: type = Machine
    options: str = "-Dlibsystemd=enabled"


WITHOUT = "-Dlibsystemd=disabled"
KINDS = {
    "systemd-247": Kind("bullseye", SYSTEMD + ("ninja-build", "python3", "python3-setuptools")),
    # And what watches over many hosts.
    "systemd-252": Kind("bookworm", SYSTEMD + ("meson", "prometheus", "prometheus-node-exporter",
                                               "systemd-journal-remote")),
    "systemd-257": Kind("trixie", SYSTEMD + ("meson", "systemd-dev")),
    # And supervisors that need no init of their own.
    "sysvinit": Kind("bookworm", SYSVINIT + ("sysv-rc", "insserv", "lsb-base", "runit", "s6"), SysVInit, WITHOUT),
    "openrc-0.45": Kind("bookworm", SYSVINIT + ("openrc",), OpenRC, WITHOUT),
    # The first one in Debian that knows readiness; the suite is a testing one.
    "openrc-0.64": Kind("forky", SYSVINIT + ("openrc",), OpenRC, WITHOUT),
}
# Of the services that come with sysvinit, and are OpenRC's in Debian, those that look after disks, mounts and clocks are
# left out, which a machine gets from its maker: a boot with them takes a thousand processes, and hundreds to find that
# there is nothing to do.
NEEDED = {"bootmisc.sh", "halt", "hostname.sh", "killprocs", "rc", "rcS", "reboot", "rmnologin", "savecache", "sendsigs",
          "single", "umountfs", "umountroot"}
# Systemd runs all of its generators at each boot and at each daemon-reload. Most make units of terminals and disks.
NEEDED_GENERATORS = {"systemd-debug-generator", "systemd-sysv-generator"}
A_DAY = 24 * 60 * 60


def source_files():
    """The paths of the project's files, relative to SOURCE: nothing built, nothing that git ignores."""
    with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
        listing = subprocess.run(
            ["git", "-C", str(SOURCE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout
        return sorted(path for path in listing.split("\0") if path and (SOURCE / path).is_file())
    return sorted(files_without_git())


def files_without_git():
    """All but what .gitignore names: in a tests/run the logs in build-tests/ change from test to test."""
    for directory, below, names in os.walk(SOURCE):
        at_top = pathlib.Path(directory) == SOURCE
        below[:] = [name for name in below
                    if name not in (".git", "__pycache__") and not (at_top and name.startswith("build"))]
        yield from (os.path.relpath(os.path.join(directory, name), SOURCE) for name in names)


def copy_source(destination):
    for path in source_files():
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / path, destination / path)


def source_digest():
    digest = hashlib.sha256()
    for path in source_files():
        digest.update(f"{path}\0{(SOURCE / path).stat().st_mode:o}\0".encode())
        digest.update(hashlib.sha256((SOURCE / path).read_bytes()).digest())
    return digest.hexdigest()[:16]


DIGEST = source_digest()  # once, before the processes of the tests part


def tree(kind):
    return root(KINDS[kind].suite, KINDS[kind].packages)


def made_once(name, make):
    """A directory that make() has filled, at the first call for this source.

    A failure is remembered: it fails the other tests at once, not after another try.
    """
    place = scratch() / f"made-{name}-{DIGEST}"
    failure = pathlib.Path(f"{place}.failed")
    with locked(f"{place}.lock"):
        remove_old(name)
        if failure.exists():
            raise AssertionError(f"{name} could not be made, as another test has told")
        if not place.is_dir():
            partial = pathlib.Path(f"{place}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                make(partial)
            except AssertionError:
                failure.touch()
                raise
            partial.rename(place)
    return place


def installed(kind):
    """The layers of a machine that has the project installed."""
    return [made_once(kind, lambda place: install(kind, place)), *base(kind)]


def install(kind, place):
    with KINDS[kind].machine(base(kind), keep=True) as machine:
        copy_source(machine.files / INSIDE.lstrip("/"))
        if kind == "systemd-247":
            copy_meson(machine)
        for command in (f"meson setup build --prefix=/usr -Dtests=disabled {KINDS[kind].options}",
                        "meson compile -C build",
                        "meson install -C build"):
            machine.run("sh", "-c", f"cd {INSIDE} && {command}", timeout=300)
        machine.shutdown()
        # Its boot has the boot id of every machine that does not fake one: their journals would hold it.
        shutil.rmtree(machine.upper / "var/log/journal", ignore_errors=True)
        machine.upper.rename(place)


def base(kind):
    """The layers of a machine without the project."""
    make = mask_generators if KINDS[kind].machine is Machine else make_quick
    return [made_once(f"base-{kind}", lambda place: make(kind, place)), tree(kind)]


def mask_generators(kind, place):
    masks = place / "etc/systemd/system-generators"
    masks.mkdir(parents=True)
    for generator in (tree(kind) / "lib/systemd/system-generators").iterdir():
        if generator.name not in NEEDED_GENERATORS:
            (masks / generator.name).symlink_to("/dev/null")


def make_quick(kind, place):
    with Shell([tree(kind)], keep=True) as machine:
        # There are no such terminals.
        machine.run("sed", "-i", "/getty/s/^/#/", "/etc/inittab")
        for script in list((machine.files / "etc/init.d").iterdir()):
            if script.name not in NEEDED:
                leave_out(machine, script.name, KINDS[kind].machine is OpenRC)
        machine.power_cut()
        machine.upper.rename(place)


def leave_out(machine, name, openrc):
    """What depends on a service finds it where sysvinit's links are: there it stays, and does nothing. OpenRC reads
    every script that there is, at every boot."""
    if openrc:
        machine.run("sh", "-c", f"rm -f /etc/init.d/{name} /etc/runlevels/*/{name}")
    else:
        machine.run("sed", "-i", "/^### END INIT INFO/a exit 0", f"/etc/init.d/{name}")


def copy_meson(machine):
    """Debian 11's is too old for the project; that of Debian 12 is content with Debian 11's Python."""
    source = tree("systemd-252")
    for path in ("usr/bin/meson", "usr/lib/python3/dist-packages/mesonbuild"):
        (machine.files / path).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / path).is_dir() else shutil.copy
        copy(source / path, machine.files / path)


def remove_old(name):
    """Removes what nobody has used for a day."""
    for lock in scratch().glob(f"made-{name}-*.lock"):
        if time.time() - lock.stat().st_mtime > A_DAY:
            for suffix in ("", ".partial"):
                shutil.rmtree(f"{lock.with_suffix('')}{suffix}", ignore_errors=True)
            lock.with_suffix(".failed").unlink(missing_ok=True)
            lock.unlink()
