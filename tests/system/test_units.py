# SPDX-License-Identifier: MIT
"""What `meson install` puts in place: accepted by the programs that read it, and gone when uninstalled."""

from host import BEAT, Systemd247, Systemd252, Systemd257
from install import INSIDE
from machine import wait_for

UID = "1000"
RUNTIME_DIRECTORY = f"""[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=install --directory --owner={UID} --group={UID} --mode=700 /run/user/{UID}
"""


class Installed:
    def assert_silent(self, host, *command):
        result = host.run(*command)
        self.assertEqual((result.stdout, result.stderr), ("", ""))

    def test_what_is_installed_is_accepted(self):
        host = self.host()
        for holds in (self.user_directories_and_catalog_are_there, self.sysusers_and_tmpfiles_have_nothing_left_to_do,
                      self.the_units_verify_without_a_word, self.logrotate_accepts_its_file,
                      self.the_init_script_leaves_its_verbs_to_systemd):
            with self.subTest(holds.__name__):
                holds(host)

    def the_units_verify_without_a_word(self, host):
        self.assert_verifies(host, "heartbeatd.service")
        self.assert_verifies(host, "--user", "/usr/lib/systemd/user/heartbeatd.service")

    def user_directories_and_catalog_are_there(self, host):
        shell = host.run("getent", "passwd", "heartbeatd").stdout.strip().split(":")[-1]
        self.assertIn("nologin", shell)
        for directory, mode in (("/var/lib/heartbeatd", "755"), ("/var/log/heartbeatd", "750")):
            found = host.run("stat", "--format=%U:%G", directory).stdout.strip()
            self.assertEqual(found, "heartbeatd:heartbeatd")
            # With an ACL the group's bits show the ACL's mask, which is the same here.
            self.assertEqual(host.run("stat", "--format=%a", directory).stdout.strip(), mode)
        self.assertIn("A heartbeat", host.run("journalctl", "--list-catalog", BEAT).stdout)

    def sysusers_and_tmpfiles_have_nothing_left_to_do(self, host):
        for kind in ("sysusers", "tmpfiles"):
            self.assertIn(f"# /usr/lib/{kind}.d/heartbeatd.conf\n",
                          host.run(f"systemd-{kind}", "--cat-config").stdout)
        self.assert_silent(host, "systemd-sysusers", "/usr/lib/sysusers.d/heartbeatd.conf")
        self.assert_silent(host, "systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/heartbeatd.conf")

    def the_init_script_leaves_its_verbs_to_systemd(self, host):
        host.run("/etc/init.d/heartbeatd", "start")
        self.assertEqual(host.show("ActiveState"), "active")
        wait_for(lambda: host.running() == host.main_pid(), "the unit's daemon runs, and no other")
        host.run("/etc/init.d/heartbeatd", "stop")
        self.assertEqual(host.shows("ActiveState", "Result"), ("inactive", "success"))

    def logrotate_accepts_its_file(self, host):
        host.write("/run/state", "")  # one that is missing is an error, too
        result = host.run("logrotate", "--debug", "--state=/run/state", "/etc/logrotate.d/heartbeatd")
        self.assertNotIn("error", result.stdout + result.stderr)

    def test_uninstalling_leaves_no_unit(self):
        host = self.started_host()
        host.systemctl("disable", "--now", "heartbeatd")
        host.run("ninja", "-C", f"{INSIDE}/build", "uninstall")
        host.systemctl("daemon-reload")
        self.assertEqual(host.show("LoadState"), "not-found")
        left = host.run("find", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/etc/systemd",
                        "-name", "heartbeat*").stdout
        self.assertEqual(left, "")


class Installed247(Installed, Systemd247):
    pass


class Installed252(Installed, Systemd252):
    pass


class Installed257(Installed, Systemd257):
    pass


class UserUnit:
    """The unit for `systemctl --user`, under a real service manager of an unprivileged user."""

    def as_user(self, host, *command, **options):
        return host.run_as(UID, UID, "env", "HOME=/home/user", f"XDG_RUNTIME_DIR=/run/user/{UID}",
                           *command, **options)

    def user_host(self):
        host = self.host()
        host.run("useradd", "--create-home", f"--uid={UID}", "user")
        # What logind and its PAM module do for a session, which a machine without seats does without.
        host.write(f"/etc/systemd/system/user-runtime-dir@{UID}.service", RUNTIME_DIRECTORY)
        host.drop_in("PAMName=", f"Environment=XDG_RUNTIME_DIR=/run/user/{UID}", unit=f"user@{UID}.service")
        host.systemctl("start", f"user@{UID}.service")
        return host

    def test_a_user_can_start_watch_reload_and_stop_it(self):
        host = self.user_host()
        def user_systemctl(*arguments):
            return self.as_user(host, "systemctl", "--user", "--no-pager", *arguments).stdout.strip()
        user_systemctl("enable", "--now", "heartbeatd")
        beats = host.wait_for_beats(1, f"_UID={UID}")
        self.assertEqual(beats[0]["_SYSTEMD_USER_UNIT"], "heartbeatd.service")
        pid = user_systemctl("show", "--value", "--property=MainPID", "heartbeatd")
        self.assertEqual(beats[0]["_PID"], pid)
        self.assertEqual(self.as_user(host, "heartbeatd", "--running").stdout, pid + "\n")
        self.assertTrue((host.files / "home/user/.local/state/heartbeatd/lock").exists())

        host.configure("Interval=200ms")
        user_systemctl("reload", "heartbeatd")
        host.wait_for_beats(3, f"_PID={pid}", "HEARTBEAT_INTERVAL_USEC=200000")
        user_systemctl("stop", "heartbeatd")
        wait_for(lambda: not (host.files / "proc" / pid).exists(), "the daemon is gone")
        self.assertEqual(user_systemctl("show", "--value", "--property=Result", "heartbeatd"), "success")


class UserUnit247(UserUnit, Systemd247):
    pass


class UserUnit252(UserUnit, Systemd252):
    pass


class UserUnit257(UserUnit, Systemd257):
    pass
