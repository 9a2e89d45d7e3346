# SPDX-License-Identifier: MIT
"""Debian trees, made with mmdebstrap at the first need and kept outside the checkout from then on."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

DEFAULT_MIRROR = "http://deb.debian.org/debian"


class HarnessError(Exception):
    """The tree or machine for a test could not be made: says nothing about heartbeatd."""


@contextlib.contextmanager
def locked(path):
    """Holds an exclusive lock on a file that is made for it."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache():
    """Where trees are kept from one run of the tests to the next."""
    directory = pathlib.Path(os.environ.get("HEARTBEATD_ROOTS") or "/var/tmp/heartbeatd-roots")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def mirror():
    """The Debian mirror that this host's apt uses, else the default one."""
    try:
        listing = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"],
            capture_output=True, text=True).stdout.split()
    except FileNotFoundError:
        listing = []
    return next((uri for uri in listing if uri.startswith("http")), DEFAULT_MIRROR)


def root(suite, packages=(), variant="essential"):
    """The tree of a Debian suite with some packages; made at the first call. Must not be written to."""
    key = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    tree = cache() / f"{suite}-{variant}-{key}"
    with locked(f"{tree}.lock"):
        if not tree.is_dir():
            make_tree(tree, suite, packages, variant)
    return tree


def make_tree(tree, suite, packages, variant):
    partial = tree.with_name(tree.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    # In namespaces of its own, with which its mounts go and all that it has started, however it ends.
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--mount-proc", "--fork", "--kill-child"]
    # The release file of a testing suite is out of date a week after a mirror's last update.
    command += ["mmdebstrap", "--mode=root", f"--variant={variant}", "--aptopt=Acquire::Retries \"3\"",
                "--aptopt=Acquire::Check-Valid-Until \"false\""]
    command += [f"--include={','.join(packages)}"] if packages else []
    source = mirror()
    result = subprocess.run(command + [suite, str(partial), source], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise HarnessError(f"no {suite} tree; can {source} be reached?\n{result.stdout[-2000:]}")
    partial.chmod(0o755)
    partial.rename(tree)
