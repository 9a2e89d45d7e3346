# SPDX-License-Identifier: MIT
"""What an intruder puts where the daemon is going to open a file, and what must not be touched by it."""

import contextlib
import fcntl
import os
import pathlib
import select
import socket
import stat
import struct
import subprocess

import harness

INTRUDER = 54321  # a uid that no account has
SECRET = "nobody may change this\n"
LINKS = ("symlink", "symlink to nothing", "symlink to a directory", "symlink to itself", "symlink to a device")
KINDS = (*LINKS, "hard link", "FIFO", "FIFO of another user", "directory", "directory with a file", "socket",
         "character device", "block device", "file of another user")


def lock_holder(path):
    """The pid that fcntl(2) names, from a process that holds nothing; None when the lock is free."""
    with open(path, "rb") as file:
        query = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, query))
    return None if answer[0] == fcntl.F_UNLCK else answer[4]


def clear(path):
    """Removes whatever lies there."""
    path = pathlib.Path(path)
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            for entry in path.iterdir():
                entry.unlink()
            path.rmdir()
        else:
            path.unlink()


class IntruderCase(harness.Case):
    """Has a treasury: files and a directory of root's that plants lead to."""

    time_limit = 240

    def setUp(self):
        super().setUp()
        if not harness.ROOT:
            self.skipTest("needs root")
        self.treasury = self.dir / "treasury"
        self.treasury.mkdir()
        self.victim, self.device = self.treasury / "secret", self.treasury / "device"
        self.victim.write_text(SECRET)
        self.victim.chmod(0o600)
        self.inner = self.treasury / "inner"
        self.inner.mkdir(mode=0o700)
        (self.inner / "file").write_text(SECRET)
        self.devices = self.can_make_devices()
        self.treasures = self.appraise()

    def can_make_devices(self):
        try:
            os.mknod(self.device, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # zero
            with open(self.device, "rb"):
                return True
        except OSError:  # not allowed in this container, or on this file system
            return False

    def appraise(self):
        """All that is true of the treasury; its times of change, since a hard link to it is one, excepted."""
        found = {}
        for path in (self.treasury, *sorted(self.treasury.rglob("*"))):
            info = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
            found[str(path)] = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, content)
        return found

    def assert_untouched(self, what):
        self.assertEqual(self.appraise(), self.treasures, what)

    def kinds(self):
        return [kind for kind in KINDS if self.devices or "device" not in kind]

    def plant(self, kind, path, to=None):
        """Puts this where the path leads, at once, in place of what lies there. to: of a link, in place of the secret."""
        new = path.with_name("planted")
        clear(new)
        if path.is_dir() and not path.is_symlink():
            clear(path)
        self.make(kind, new, to or self.victim)
        harness.wait_until(lambda: self.move(new, path), 20, f"{kind} lies at {path}")
        clear(new)  # two names of one file are left alone by rename(2)

    @staticmethod
    def move(new, path):
        """A directory takes no file's place, and a daemon may be faster to make another one there."""
        if new.is_dir() and not new.is_symlink():
            clear(path)
        with contextlib.suppress(NotADirectoryError):
            os.rename(new, path)
            return True
        return False

    def make(self, kind, path, to):
        targets = {"symlink": to, "symlink to nothing": self.treasury / "made", "symlink to itself": path.name,
                   "symlink to a directory": self.inner, "symlink to a device": "/dev/zero"}
        if kind in targets:
            path.symlink_to(targets[kind])
        elif kind == "hard link":
            os.link(to, path)
        elif kind.startswith("FIFO"):
            os.mkfifo(path, 0o666)
            path.chmod(0o666)
        elif kind.startswith("directory"):
            path.mkdir()
            if kind == "directory with a file":
                (path / "file").write_text("x")
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
                here = os.getcwd()
                os.chdir(path.parent)  # for its name is short
                server.bind(path.name)
                os.chdir(here)
        elif "device" in kind:
            block = kind == "block device"
            os.mknod(path, 0o666 | (stat.S_IFBLK if block else stat.S_IFCHR), os.makedev(7, 255) if block else
                     os.makedev(1, 5))
            path.chmod(0o666)
        else:
            path.write_text("")
            path.chmod(0o666)
        if kind.endswith("another user") or kind in LINKS:
            os.chown(path, INTRUDER, INTRUDER, follow_symlinks=False)

    def place(self, name, mode):
        """A directory of its own for what one attempt uses."""
        path = self.dir / name
        path.mkdir()
        path.chmod(mode)
        return path if mode & 0o002 else self.give(path)

    def attempt(self, *args, user=None, seconds=30):
        """Starts the daemon, and waits until it beats or has ended. Returns the process, and whether it beats."""
        ours, its = os.pipe()
        os.set_inheritable(its, True)
        words = open(self.dir / "words", "wb+")  # pylint: disable=consider-using-with
        self.addCleanup(words.close)
        process = self.spawn([*args, f"--ready-fd={its}"], user=user, stdout=subprocess.DEVNULL, stderr=words,
                             pass_fds=[its])
        os.close(its)
        try:
            ready, _, _ = select.select([ours], [], [], seconds)
            self.assertTrue(ready, f"neither beats nor ends: {args}, {self.words()}")
            return process, os.read(ours, 1) == b"\n"
        finally:
            os.close(ours)

    def words(self):
        return (self.dir / "words").read_text(errors="replace")

    def assert_clear(self, text, what):
        """At least one line, and none that is not for people."""
        self.assertRegex(text, r"\Aheartbeatd: ", what)
        for line in text.splitlines():
            self.assertRegex(line, r"\Aheartbeatd: [^\x00-\x1f\x7f]{10,600}\Z", what)
