# SPDX-License-Identifier: MIT
"""heartbeatctl on what a real daemon leaves behind."""

import os
import signal

import harness
from statedir import CtlCase


class Life(CtlCase):
    """Stopped, continued, killed, started again and told to stop."""

    def wait_for_state(self, state):
        return harness.wait_until(lambda: self.ask()["state"] == state and self.ask(), 15, f"state {state}")

    def test_each_turn_is_seen(self):
        daemon = self.start_beating("--interval=200ms")
        alive = self.wait_for_state("alive")
        self.assertEqual((alive["pid"], alive["interval_usec"]), (daemon.pid, 200_000))
        self.assertEqual(self.ctl("check").code, 0)
        self.assertEqual(self.ctl("gaps").code, 0)

        os.kill(daemon.pid, signal.SIGSTOP)
        self.assertEqual(self.wait_for_state("silent")["run"], alive["run"])
        self.assertEqual(self.ctl("check").code, 2)
        self.assertTrue(self.ask("explain")["gap"]["ongoing"])
        os.kill(daemon.pid, signal.SIGCONT)
        self.wait_for_state("alive")
        stopped, = self.ask("gaps", "--cause=process-stopped")
        self.assertEqual((stopped["confidence"], stopped["ongoing"]), ("high", False))
        self.assertIn("SIGCONT", stopped["evidence"])

        os.kill(daemon.pid, signal.SIGKILL)
        self.wait_for_state("gone")
        self.assertEqual(self.ctl().code, 1)
        daemon = self.start_beating("--interval=200ms")
        again = self.wait_for_state("alive")
        self.assertNotEqual(again["run"], alive["run"])
        killed = self.ask("gaps", "--cause=service-killed")
        self.assertEqual([gap["past_run"] for gap in killed], [alive["run"]])

        total = self.ask("report")["total"]
        self.assertEqual((total["availability_ppm"], total["down_usec"], total["unknown_usec"]), (10**6, 0, 0))
        self.assertTrue(0 < total["coverage_ppm"] < 10**6)
        self.assertLessEqual({"process-stopped", "service-killed"}, {cause["cause"] for cause in total["causes"]})
        segments = self.ask("timeline")
        self.assertEqual({segment["state"] for segment in segments}, {"beating", "silent"})
        self.assertTrue(all(before["to"] == after["from"] for before, after in zip(segments, segments[1:])),
                        (segments, (self.record / "history").read_text()))

        os.kill(daemon.pid, signal.SIGTERM)
        self.wait_for_state("stopped")
        self.assertEqual((self.ctl().code, self.ctl("check").code), (3, 2))
