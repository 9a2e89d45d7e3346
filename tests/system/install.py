# SPDX-License-Identifier: MIT
"""The project, built and installed in a machine of each suite, as the layers that scenarios start from."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import time

from machine import Machine, locked, root, scratch

SOURCE = pathlib.Path(os.environ.get("HEARTBEATD_SOURCE") or pathlib.Path(__file__).parents[2]).resolve()
INSIDE = "/usr/src/heartbeatd"
SUITES = {"bookworm": 252, "trixie": 257}  # and the version of systemd in it
PACKAGES = {
    "bookworm": ("systemd-sysv", "dbus", "procps", "passwd", "logrotate",
                 "gcc", "libc6-dev", "meson", "pkg-config", "libsystemd-dev"),
}
PACKAGES["trixie"] = PACKAGES["bookworm"] + ("systemd-dev",)
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


def tree(suite):
    return root(suite, PACKAGES[suite])


def installed(suite):
    """The layers of a machine that has the project installed; made at the first call for this source.

    A failed build is remembered: it fails the other tests at once, not after another try.
    """
    place = scratch() / f"installed-{suite}-{source_digest()}"
    failure = place.with_suffix(".failed")
    with locked(place.with_suffix(".lock")):
        remove_old(suite)
        if failure.exists():
            raise AssertionError("the project could not be installed, as another test has told")
        if not place.is_dir():
            try:
                install(suite, place)
            except AssertionError:
                failure.touch()
                raise
    return [place, tree(suite)]


def install(suite, place):
    with Machine([tree(suite)], keep=True) as machine:
        copy_source(machine.files / INSIDE.lstrip("/"))
        for command in ("meson setup build --prefix=/usr -Dtests=disabled -Dlibsystemd=enabled",
                        "meson compile -C build",
                        "meson install -C build"):
            machine.run("sh", "-c", f"cd {INSIDE} && {command}", timeout=300)
        machine.shutdown()
        # Its boot has the boot id of every machine that does not fake one: their journals would hold it.
        shutil.rmtree(machine.upper / "var/log/journal", ignore_errors=True)
        machine.upper.rename(place)


def remove_old(suite):
    """Removes what nobody has used for a day."""
    for lock in scratch().glob(f"installed-{suite}-*.lock"):
        if time.time() - lock.stat().st_mtime > A_DAY:
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.with_suffix(".failed").unlink(missing_ok=True)
            lock.unlink()
