# SPDX-License-Identifier: MIT
"""The harness itself: its machines boot, die and come back as real ones do, and leave nothing behind."""

import contextlib
import os
import pathlib
import signal
import tempfile
import unittest
import unittest.mock

import machine
import trees
from install import tree
from machine import Machine
from trees import HarnessError

MAKER = """#!/bin/sh
eval "target=\\${$(($# - 1))}"
mkdir -p "$target" && mount -t tmpfs tree "$target" && readlink /proc/self/ns/pid >"$HEARTBEATD_ROOTS/pid"
exec tail -f /dev/null
"""
CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYSLOG = 16, 17, 25, 34  # linux/capability.h


class Harness(unittest.TestCase):
    """With one systemd: the other tests boot, cut off and reboot machines of each kind."""

    time_limit = 240

    def machine(self, **options):
        return Machine([tree("systemd-252")], **options)

    def test_a_machine_leaves_nothing_behind(self):
        mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        with self.machine(keep=True) as host:
            host.run("systemd-run", "sleep", "infinity")
            left = [host.place, host.cgroup, pathlib.Path(f"/proc/{host.pid}")]
            for path in left:
                self.assertTrue(path.exists())
        self.assertEqual([path for path in left if path.exists()], [])
        self.assertEqual(pathlib.Path("/proc/self/mountinfo").read_text(), mounts)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_what_a_killed_test_left_is_removed_by_the_next(self):
        child = os.fork()
        if child == 0:
            host = self.machine().__enter__()
            (host.place / "abandoned").touch()
            os.kill(host.process.pid, 9)
            os._exit(0)
        os.waitpid(child, 0)
        with self.machine() as host:
            abandoned = [path.parent for path in machine.scratch().glob("machine-*/abandoned")]
            self.assertEqual(abandoned, [])
            self.assertTrue(host.place.exists())

    def test_a_kept_disk_survives_power_cut_and_reboot_in_new_boots(self):
        with self.machine(keep=True, fake_boot=True) as host:
            boots = [host.run("cat", "/proc/sys/kernel/random/boot_id").stdout]
            for step in ("power cut", "reboot"):
                host.run("sh", "-c", f"echo before the {step} >>/var/disk; echo gone >/run/memory")
                if step == "power cut":
                    host.power_cut()
                    host.boot()
                else:
                    host.reboot()
                boots.append(host.run("cat", "/proc/sys/kernel/random/boot_id").stdout)
                self.assertEqual(host.run("test", "-e", "/run/memory", check=False).returncode, 1)
                self.assertLess(float(host.run("cat", "/proc/uptime").stdout.split()[0]), 60)
            self.assertEqual(host.run("cat", "/var/disk").stdout, "before the power cut\nbefore the reboot\n")
            self.assertEqual(len(set(boots)), 3)
            listed = host.run("journalctl", "--quiet", "--list-boots").stdout
            for boot in boots:
                self.assertIn(boot.strip().replace("-", ""), listed)

    def test_a_machine_cannot_change_its_host(self):
        with self.machine() as host:
            setting = host.run("sh", "-c", "echo 0 >/proc/sys/kernel/panic", check=False)
            self.assertIn("Read-only file system", setting.stderr)
            for process in ("1", "self"):
                status = host.run("grep", "CapEff", f"/proc/{process}/status").stdout
                effective = int(status.split()[1], 16)
                for capability in (CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYSLOG):
                    self.assertFalse(effective & 1 << capability)
            # systemd makes the queue of AF_UNIX sockets longer; its own network namespace lets it.
            self.assertEqual(host.run("cat", "/proc/sys/net/unix/max_dgram_qlen").stdout, "512\n")


class Failures(unittest.TestCase):

    def test_a_machine_that_cannot_boot_says_so(self):
        with self.assertRaisesRegex(HarnessError, "no boot over .*/no/such/tree"):
            with Machine(["/no/such/tree"]):
                pass

    def test_a_mirror_that_cannot_be_reached_is_named(self):
        nowhere = "http://127.0.0.1:9/debian"
        with tempfile.TemporaryDirectory() as directory, \
                unittest.mock.patch.dict(os.environ, HEARTBEATD_ROOTS=directory), \
                unittest.mock.patch("trees.mirror", lambda: nowhere), \
                self.assertRaisesRegex(HarnessError, f"no bookworm tree; can {nowhere} be reached"):
            trees.root("bookworm")

    def test_a_tree_whose_maker_is_killed_leaves_no_mount_and_no_process(self):
        """As a time limit does: a mount that stayed would be in the way of the next try, on a host without a tree."""
        with tempfile.TemporaryDirectory() as directory:
            maker = pathlib.Path(directory) / "mmdebstrap"  # that has come as far as its mounts
            maker.write_text(MAKER)
            maker.chmod(0o755)
            mounts = pathlib.Path("/proc/self/mountinfo").read_text()
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                os.environ.update(HEARTBEATD_ROOTS=directory, PATH=f"{directory}:{os.environ['PATH']}")
                trees.root("bookworm")
                os._exit(1)
            self.addCleanup(self.kill_group, child)
            pid_file = pathlib.Path(directory) / "pid"
            namespace = machine.wait_for(lambda: pid_file.read_text().strip(), "the maker is at work")
            self.assertTrue(self.in_namespace(namespace))
            self.kill_group(child)
            machine.wait_for(lambda: not self.in_namespace(namespace), "nothing of it runs any more")
            self.assertEqual(pathlib.Path("/proc/self/mountinfo").read_text(), mounts)

    @staticmethod
    def kill_group(leader):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.killpg(leader, signal.SIGKILL)
            os.waitpid(leader, 0)

    @staticmethod
    def in_namespace(namespace):
        """The processes that are in a pid namespace, as readlink(1) names it."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it is gone, or nobody may look
                if os.readlink(process / "ns/pid") == namespace:
                    found.append(process.name)
        return found

    def test_a_tree_that_is_there_takes_no_mirror(self):
        there = tree("systemd-252")
        with unittest.mock.patch("trees.mirror", lambda: "http://127.0.0.1:9/debian"):
            self.assertEqual(tree("systemd-252"), there)
