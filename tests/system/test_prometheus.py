# SPDX-License-Identifier: MIT
"""The metrics where they are made for: read by Debian's node exporter, scraped and judged by Debian's Prometheus."""

import json
import urllib.parse

from fleet import FleetCase, Member, connect
from host import MACHINES_BOOT_ID
from install import INSIDE
from machine import holds, wait_for
from readme import readme_block

RULES = "/usr/share/heartbeatd/heartbeatd.rules.yml"
# A scrape may last as long as its interval, and the machines have little of the CPU.
OFTEN = "global: {scrape_interval: 3s, evaluation_interval: 1s}\n"
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"


class Rules(FleetCase):
    def test_they_are_installed_and_pass_their_own_tests(self):
        host = self.enterContext(Member("watcher"))
        host.run("promtool", "check", "rules", RULES)
        self.assertEqual(host.read(RULES), host.read(f"{INSIDE}/units/heartbeatd.rules.yml"))
        host.run("promtool", "test", "rules", f"{INSIDE}/tests/system/rules.test.yml")

    def test_promtool_has_nothing_to_say_about_the_metrics(self):
        host = self.enterContext(Member("watcher"))
        host.systemctl("start", "heartbeatd")
        host.wait_for_beats(1)
        result = host.run("sh", "-c", "heartbeatctl metrics | promtool check metrics")
        self.assertEqual((result.stdout, result.stderr), ("", ""))


class Scraped(FleetCase):
    time_limit = 300

    def watch(self, *members):
        """Has the first one watch over all of them, as the README has it."""
        # Debian's configuration, with which it may have run already, has it as localhost: an instance that would
        # stay for five minutes, in which queries look back.
        members[0].systemctl("stop", "prometheus")
        members[0].run("rm", "-rf", "/var/lib/prometheus/metrics2")
        for member in members:
            self.measure(member)
        members[0].write("/etc/prometheus/prometheus.yml", OFTEN + readme_block("rule_files:", "yaml"))
        members[0].follow("restart prometheus")
        members[0].run("promtool", "check", "config", "/etc/prometheus/prometheus.yml")
        return members[0]

    def measure(self, member):
        member.configure("Interval=1s")
        member.systemctl("enable", "--now", "heartbeatd")
        member.wait_for_beats(1)
        member.follow("Metrics=")
        wait_for(lambda: member.read("/var/lib/heartbeatd/heartbeat.prom"), "the metrics")

    def get(self, host, path):
        result = host.run("python3", "-c", GET, f"http://localhost:9090/api/v1/{path}", check=False)
        return json.loads(result.stdout)["data"] if result.returncode == 0 else None

    def values(self, host, name):
        """The latest value of a metric, by instance."""
        data = self.get(host, f"query?query={urllib.parse.quote(name)}")
        return {item["metric"]["instance"]: float(item["value"][1]) for item in data["result"]} if data else {}

    def alerts(self, host):
        """Those that fire: names and instances."""
        data = self.get(host, "alerts")
        if data is None:
            return None
        return {(alert["labels"]["alertname"], alert["labels"]["instance"]): alert["annotations"]["summary"]
                for alert in data["alerts"] if alert["state"] == "firing"}

    def wait_for_alerts(self, host, *expected, seconds=60):
        seen = []

        def there():
            seen[:] = [self.alerts(host)]
            return seen[0] is not None and set(seen[0]) == set(expected)

        try:
            wait_for(there, f"alerts {expected}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {seen[0]}") from None
        return seen[0]

    def wait_for_both(self, host):
        both = {"watcher:9100", "web1:9100"}
        wait_for(lambda: set(self.values(host, "heartbeat_beats_total")) == both, "both are scraped", 90)

    def test_a_daemon_that_is_stopped_is_an_alert_that_names_its_host_until_it_beats_again(self):
        watcher, web1 = self.pair()
        self.watch(watcher, web1)
        self.wait_for_both(watcher)
        errors = self.values(watcher, "node_textfile_scrape_error")
        self.assertEqual(errors, {"watcher:9100": 0, "web1:9100": 0})
        holds(lambda: self.alerts(watcher) == {}, "no alert while both beat", 5)

        web1.systemctl("stop", "heartbeatd")
        alerts = self.wait_for_alerts(watcher, ("HeartbeatSilent", "web1:9100"))
        self.assertRegex(alerts["HeartbeatSilent", "web1:9100"], r"^web1:9100: no heartbeat for \d+\.?\d*s$")
        before = self.values(watcher, "heartbeat_beats_total")
        web1.systemctl("start", "heartbeatd")
        self.wait_for_alerts(watcher)
        wait_for(lambda: self.values(watcher, "heartbeat_beats_total")["watcher:9100"] > before["watcher:9100"],
                 "the other has gone on")
        stopped = self.values(watcher, 'heartbeat_gaps_total{cause="service-stopped"}')
        self.assertEqual(stopped, {"watcher:9100": 0, "web1:9100": 1})

    def test_a_daemon_that_hangs_is_an_alert_too(self):
        watcher, web1 = self.pair()
        self.watch(watcher, web1)
        self.wait_for_both(watcher)
        web1.signal("SIGSTOP")
        self.wait_for_alerts(watcher, ("HeartbeatSilent", "web1:9100"))
        web1.signal("SIGCONT")
        self.wait_for_alerts(watcher)
        gaps = self.values(watcher, 'heartbeat_gaps_total{cause="process-stopped"}')
        self.assertEqual(gaps, {"watcher:9100": 0, "web1:9100": 1})

    def test_a_host_that_lost_its_power_is_an_alert_when_it_is_back(self):
        watcher, web1 = self.pair(keep=True, fake_boot=True)
        web1.drop_in(*MACHINES_BOOT_ID)
        self.watch(watcher, web1)
        self.wait_for_both(watcher)
        web1.power_cut()
        wait_for(lambda: set(self.values(watcher, "heartbeat_beats_total")) == {"watcher:9100"}, "it is not there",
                 60)
        self.assertEqual(self.alerts(watcher), {}, "five minutes are not over")
        web1.boot()
        connect(watcher, web1)
        alerts = self.wait_for_alerts(watcher, ("HeartbeatUncleanBoot", "web1:9100"))
        self.assertRegex(alerts["HeartbeatUncleanBoot", "web1:9100"], r"^web1:9100 was down without a shutdown$")
