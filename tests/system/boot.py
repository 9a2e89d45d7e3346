#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first process of a machine: machine.py starts it in new namespaces with its settings as JSON.

It builds the machine's mounts, moves into them and becomes the init. The settings:

    place    a directory of this machine's own, holding root/ (where to mount it) and disk/
    layers   the read-only layers of its root, the topmost first
    keep     true: what is written goes to disk/ and survives a reboot; false: to a tmpfs over disk/
    boot_id  a file to show as the boot id, or null for the real one
    controllers  of cgroup v1, for the init to mount: there seem to be no others, and no cgroup2 is mounted
    shared   directories to be seen at the same path as outside
    init     the init and its arguments
"""

import ctypes
import json
import os
import stat
import subprocess
import sys

NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
         "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
ENVIRONMENT = {"container": "other", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
LIBC = ctypes.CDLL(None, use_errno=True)
FLAGS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "remount": 32, "bind": 4096}  # of mount(2)
MNT_DETACH = 2


def call(name, *arguments):
    """A call of libc's on mounts: a command for each would take longer than all the rest of a boot's beginning."""
    if getattr(LIBC, name)(*(a.encode() if isinstance(a, str) else a for a in arguments)) != 0:
        raise OSError(ctypes.get_errno(), f"{name}{arguments}")


def mount(kind, target, options="", source=None):
    """As by mount(8)."""
    words = options.split(",")
    flags = sum(FLAGS.get(word, 0) for word in words)
    call("mount", source or kind, target, kind, flags, ",".join(word for word in words if word not in FLAGS))


def bind(source, target, options=""):
    mount("", target, "bind", source)
    if options:
        mount("", target, f"remount,bind,{options}")


def mount_root(settings):
    """An overlay, not a bind mount: through that an init could remount the host's own disk."""
    if not settings["keep"]:
        mount("tmpfs", "disk", "mode=755")
    for directory in ("disk/upper", "disk/work"):
        os.makedirs(directory, exist_ok=True)
    layers = ":".join(settings["layers"])
    mount("overlay", "root", f"lowerdir={layers},upperdir=disk/upper,workdir=disk/work")


def mount_kernel(controllers):
    mount("proc", "proc", "nosuid,nodev,noexec")
    # The kernel's settings are the host's, all but those of the network namespace.
    bind("proc/sys", "proc/sys", "ro,nosuid,nodev,noexec")
    bind("proc/sys/net", "proc/sys/net", "nosuid,nodev,noexec")
    mount("sysfs", "sys", "ro,nosuid,nodev,noexec")
    if controllers:
        hide_other_controllers(controllers)
    else:
        mount("cgroup2", "sys/fs/cgroup", "nosuid,nodev,noexec")


def hide_other_controllers(controllers):
    """An init mounts all that the kernel has, and would have the host's own root cgroup of those."""
    with open("proc/cgroups") as table:
        lines = [line for line in table if line.split()[0] in ("#subsys_name", *controllers)]
    with open("../cgroups", "w") as table:
        table.writelines(lines)
    bind("../cgroups", "proc/cgroups")


def mount_memory():
    mount("tmpfs", "run", "nosuid,nodev,mode=755")
    for directory in ("tmp", "var/tmp"):
        mount("tmpfs", directory, "nosuid,nodev,mode=1777")


def mount_devices():
    mount("tmpfs", "dev", "nosuid,mode=755")
    for name, numbers in NODES.items():
        os.mknod(f"dev/{name}", stat.S_IFCHR, os.makedev(*numbers))
        os.chmod(f"dev/{name}", 0o666)
    for name, target in LINKS.items():
        os.symlink(target, f"dev/{name}")
    os.mkdir("dev/pts")
    mount("devpts", "dev/pts", "newinstance,ptmxmode=666,mode=620,gid=5")
    os.mkdir("dev/shm")
    mount("tmpfs", "dev/shm", "nosuid,nodev,mode=1777")


def move_in():
    """Not by chroot(2), after which no user namespace can be made any more: PrivateUsers= makes one."""
    subprocess.run(["pivot_root", ".", "mnt"], check=True)
    os.chdir("/")
    call("umount2", "/mnt", MNT_DETACH)


def main():
    settings = json.loads(sys.argv[1])
    os.umask(0o022)
    os.chdir(settings["place"])
    mount_root(settings)
    os.chdir("root")
    mount_kernel(settings["controllers"])
    mount_memory()
    mount_devices()
    for directory in settings["shared"]:
        os.makedirs("." + directory, exist_ok=True)
        bind(directory, "." + directory)
    if settings["boot_id"]:
        bind(settings["boot_id"], "proc/sys/kernel/random/boot_id")
    move_in()
    os.execvpe(settings["init"][0], settings["init"], ENVIRONMENT)


if __name__ == "__main__":
    main()
