# SPDX-License-Identifier: MIT
"""Beats and gaps in another host's journal: sent by systemd-journal-upload to systemd-journal-remote, as Debian has
them. What travels is the journal's own; heartbeatd knows nothing of it."""

import json

from fleet import FleetCase
from host import BEAT
from machine import wait_for

GAP = "c3378d648c7b4d1f952a085735da6e5b"
RECEIVED = "/var/log/journal/remote"


class Remote(FleetCase):
    def received(self, host, message_id, *matches):
        """The entries that came from elsewhere."""
        result = host.run("journalctl", f"--directory={RECEIVED}", "--quiet", "--output=json",
                          f"MESSAGE_ID={message_id}", *matches, check=False)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def wait_for_received(self, host, count, message_id, *matches):
        def there():
            found = self.received(host, message_id, *matches)
            return found if len(found) >= count else None

        return wait_for(there, f"{count} entries of {message_id} from the other host", 40)

    def test_beats_and_gaps_arrive_with_their_fields_and_their_host(self):
        watcher, web1 = self.pair()
        self.send_journal(watcher, web1)
        for host in (watcher, web1):
            host.configure("Interval=500ms")
            host.systemctl("start", "heartbeatd")
        beats = self.wait_for_received(watcher, 5, BEAT)
        self.assert_same(web1.beats(), beats)

        pid = web1.main_pid()
        web1.signal("SIGSTOP")
        wait_for(lambda: web1.read(f"/proc/{pid}/stat").rpartition(") ")[2].startswith("T"), "it is stopped")
        wait_for(lambda: "CRITICAL" in web1.run("heartbeatctl", "check", check=False).stdout, "beats are missed")
        web1.signal("SIGCONT")
        gap, *_ = self.wait_for_received(watcher, 1, GAP, "HEARTBEAT_GAP_CAUSE=process-stopped")
        self.assertEqual((gap["_HOSTNAME"], gap["PRIORITY"], gap["HEARTBEAT_GAP_HOST"]), ("web1", "4", "up"))
        self.assertGreaterEqual(int(gap["HEARTBEAT_GAP_MISSED"]), 1)
        gaps = self.received(watcher, GAP)
        self.assert_same(web1.journal(f"MESSAGE_ID={GAP}"), gaps)
        self.assertIn("    HEARTBEAT_GAP_CAUSE=process-stopped\n", watcher.follow("journalctl -D"))
        self.assertEqual(self.received(watcher, BEAT, "_HOSTNAME=watcher"), [], "one's own are elsewhere")

    def assert_same(self, sent, received):
        """Each entry that has arrived has all the fields that it was sent with."""
        by_time = {entry["__REALTIME_TIMESTAMP"]: entry for entry in sent}
        for entry in received:
            original = by_time[entry["__REALTIME_TIMESTAMP"]]
            for name, value in original.items():
                if not name.startswith("__"):
                    self.assertEqual(entry.get(name), value, name)
            self.assertEqual(entry["_HOSTNAME"], "web1")
        self.assertTrue(received)

    def test_what_happens_while_nobody_listens_arrives_later(self):
        watcher, web1 = self.pair()
        self.send_journal(watcher, web1)
        web1.configure("Interval=500ms")
        web1.systemctl("start", "heartbeatd")
        last = int(self.wait_for_received(watcher, 2, BEAT)[-1]["HEARTBEAT_SEQ"])
        watcher.ip("link", "set", "cable", "down")
        web1.wait_for_beats(last + 10)
        self.assertLess(len(self.received(watcher, BEAT)), last + 5)
        watcher.ip("link", "set", "cable", "up")
        beats = self.wait_for_received(watcher, last + 10, BEAT)
        self.assertEqual([int(beat["HEARTBEAT_SEQ"]) for beat in beats], list(range(1, len(beats) + 1)))
