# SPDX-License-Identifier: MIT
"""Two hosts with a cable between them."""

import subprocess
import unittest

from host import Host
from install import INSIDE, installed
from machine import MASKED, systemd_without
from readme import readme_block

NEAR, FAR = "192.0.2.1", "192.0.2.2"  # RFC 5737: of no real network


class Member(Host):
    """A host of a name, where Debian's Prometheus and node exporter run from the start."""

    init = systemd_without(*MASKED)

    def __init__(self, name, **options):
        super().__init__(installed("systemd-252"), **options)
        self.name = name

    def wait_until_up(self):
        super().wait_until_up()
        self.run("hostname", self.name)

    def follow(self, text):
        """Does what the README's block of commands with this text says, and returns what it prints."""
        return self.run("sh", "-e", "-c", f"cd {INSIDE}\n{readme_block(text)}").stdout

    def ip(self, *arguments):
        """ip(8) of the test's host, in the machine's network: there is none in the machine."""
        subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", "ip", *arguments], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)


def connect(near, far):
    """Lays the cable, whose ends have the addresses NEAR and FAR. It goes with either machine, and its ends with it:
    for itself, each has an address that stays, as Debian gives it."""
    near.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(far.pid))
    for member, address, other, others in ((near, NEAR, far, FAR), (far, FAR, near, NEAR)):
        member.ip("address", "add", f"{address}/24", "dev", "cable")
        member.ip("link", "set", "cable", "up")
        member.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {member.name}\n{others} {other.name}\n")


class FleetCase(unittest.TestCase):
    time_limit = 240

    def send_journal(self, near, far):
        """As the README has it: the one's journal to the other, whose name there is that of the receiver here."""
        near.follow("--listen-http")
        far.follow("journal-upload")

    def pair(self, **options):
        """Two hosts, the second of which has these options."""
        near = self.enterContext(Member("watcher"))
        far = self.enterContext(Member("web1", **options))
        connect(near, far)
        return near, far
