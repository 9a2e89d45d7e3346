# SPDX-License-Identifier: MIT
"""What a beat costs where beats are kept: in its host's journal, on the wire, in the journal of a host that collects
them, and in Prometheus. The README's figures for one host and for many are held to what is measured here."""

import re
import struct

from fleet import FleetCase
from install import SOURCE
from machine import wait_for

# Of a journal file, see systemd's JOURNAL_FILE_FORMAT: where the last object begins, and how many entries there are.
TAIL_OBJECT, ENTRIES = 136, 152
DAY = 24 * 60 * 60
HOSTS = (1, 100, 10000)


class Journals:
    """The size and the entries of the journal files in a directory of a host, at one moment."""

    def __init__(self, host, directory):
        paths = sorted((host.files / directory).rglob("*.journal"))
        heads = {path: path.open("rb").read(ENTRIES + 8) for path in paths}
        heads = {path: head for path, head in heads.items() if len(head) == ENTRIES + 8}  # else it is just being made
        self.names = [path.name for path in heads]
        self.size = sum(struct.unpack_from("<Q", head, TAIL_OBJECT)[0] for head in heads.values())
        self.entries = sum(struct.unpack_from("<Q", head, ENTRIES)[0] for head in heads.values())


def readme():
    return (SOURCE / "README.md").read_text()


def figure(pattern):
    """A number in the README."""
    return float(re.search(pattern.replace("N", r"(\d+(?:\.\d+)?)"), readme())[1])


def stated():
    """What the README says of one beat, and of one host."""
    return {"journal": figure("N bytes in the journal"), "wire": 1000 * figure(r"N kB on the\s+way"),
            "series": figure("N series a host")}


def amount(number, unit):
    """With two digits: 6912000 is 6.9 MB."""
    for power in ("", "k", "M", "G"):
        digits = f"{number:.2g}" if number < 10 else str(round(number / 10) * 10 if number >= 100 else round(number))
        if float(digits) < 1000:
            break
        number /= 1000
    return f"{digits} {power}{unit}"


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


class Sizes(FleetCase):
    def setUp(self):
        self.watcher, self.web1 = self.pair()
        self.send_journal(self.watcher, self.web1)

    def kept(self):
        return Journals(self.web1, "var/log/journal")

    def collected(self):
        return Journals(self.watcher, "var/log/journal/remote")

    def wait_for_entries(self, count):
        """Waits until so many have come; returns what both hosts have then."""
        wait_for(lambda: self.collected().entries >= count, f"{count} entries", 60)
        return self.kept(), self.collected()

    def carried(self):
        """The bytes that have gone to the collector."""
        devices = self.web1.run("cat", "/proc/net/dev").stdout
        return int(re.search(r"cable:(.*)", devices)[1].split()[8])

    def assert_is_about(self, measured, expected):
        self.assertLess(abs(measured - expected), expected * 0.15, f"{measured}, and the README says {expected}")

    def test_a_beat_takes_what_the_readme_says(self):
        """The lists that a journal has for each value that recurs double in length, all at once: over a thousand
        entries that evens out."""
        self.web1.configure("Interval=10ms")
        self.web1.systemctl("start", "heartbeatd")
        for before, after in zip(self.wait_for_entries(1000), self.wait_for_entries(2000)):
            self.assertEqual(before.names, after.names, "no file was rotated")
            self.assert_is_about((after.size - before.size) / (after.entries - before.entries), stated()["journal"])

    def test_a_beat_carries_what_the_readme_says(self):
        """Slow enough for each to go alone, as they do at 10 s."""
        self.web1.configure("Interval=500ms")
        self.web1.systemctl("start", "heartbeatd")
        self.wait_for_entries(self.collected().entries + 4)
        entries, carried = self.collected().entries, self.carried()
        wait_for(lambda: self.collected().entries >= entries + 20, "20 entries", 30)
        self.assert_is_about((self.carried() - carried) / (self.collected().entries - entries), stated()["wire"])


class Table(FleetCase):
    def test_a_host_has_as_many_series_as_the_readme_says(self):
        host = self.pair()[0]
        host.systemctl("start", "heartbeatd")
        host.wait_for_beats(1)
        series = [line for line in host.run("heartbeatctl", "metrics").stdout.splitlines() if line[0] != "#"]
        self.assertEqual(len(series), stated()["series"])

    def test_the_readmes_table_follows_from_its_figures(self):
        beat, wire, series = (stated()[name] for name in ("journal", "wire", "series"))
        for text, one, unit in (
                ("each beat in the journal, a day", beat * DAY / 10, "B"),
                ("the same with `LogEvery=1h`", beat * DAY / 3600, "B"),
                ("each beat on the way to the collector, a second", wire / 10, "B"),
                ("series in Prometheus", series, ""),
                ("samples a second, scraped each 15 s", series / 15, "")):
            self.assertIn(row(text, *(amount(one * hosts, unit).strip() for hosts in HOSTS)), readme())
