# SPDX-License-Identifier: MIT
"""A root that holds BusyBox and the README's static program and nothing else."""

import pathlib
import subprocess
import tempfile

from install import SOURCE, copy_source, made_once
from readme import readme_block
from trees import root

# Those that a machine is mounted on come first.
DIRECTORIES = ("proc", "sys", "run", "tmp", "var/tmp", "dev", "mnt", "etc/init.d", "root", "usr/bin",
               "var/log", "var/lib")
# The init script has to do without.
NOT_NEEDED = {"usr/bin/killall", "sbin/start-stop-daemon"}


def small_root():
    """The layers of the root; made at the first call for this source."""
    tree = root("bookworm", ("busybox-static",), variant="extract")
    return [made_once("static", lambda place: make_layer(place, tree)), tree]


def make_layer(layer, tree):
    """What the tree lacks to be a machine's root, and the program."""
    for directory in DIRECTORIES:
        (layer / directory).mkdir(parents=True)
    applets = subprocess.check_output([tree / "bin/busybox", "--list-full"], text=True).split()
    for applet in set(applets) - {"bin/busybox"} - NOT_NEEDED:
        (layer / applet).parent.mkdir(parents=True, exist_ok=True)
        (layer / applet).symlink_to("/bin/busybox")
    (layer / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (layer / "etc/group").write_text("root:x:0:\n")
    build(layer / "usr/bin/heartbeatd")
    # As meson does it for --prefix=/usr.
    script = (SOURCE / "units/heartbeatd.init").read_text().replace("@BINDIR@", "/usr/bin")
    (layer / "etc/init.d/heartbeatd").write_text(script.replace("@CONFIG_DIR@", "/etc"))
    (layer / "etc/init.d/heartbeatd").chmod(0o755)


def build(program):
    with tempfile.TemporaryDirectory() as directory:
        copy_source(pathlib.Path(directory))
        result = subprocess.run(["sh", "-e", "-c", readme_block("musl-gcc")], cwd=directory, timeout=300,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)
        if result.returncode != 0:
            raise AssertionError(f"no static program:\n{result.stdout[-4000:]}")
        program.write_bytes((pathlib.Path(directory) / "build-static/src/heartbeatd").read_bytes())
        program.chmod(0o755)
