# SPDX-License-Identifier: MIT
"""Machines booted from Debian trees with a real init, in a second and without a trace.

A machine is a set of namespaces over an overlay of a tree. `Machine` has systemd as its PID 1 and no
network; it can be shut down, cut off from its power, and booted again; so can `SysVInit` and `OpenRC`.
`Shell` has no init system, and `Bare` the host's network besides: what a fresh installation gives to
somebody who only has a shell in it. Needs root, util-linux and a mounted cgroup2; installs and changes
nothing on the host.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from trees import HarnessError, cache, locked

BOOT = pathlib.Path(__file__).with_name("boot.py")
ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
# Of no use in a machine without terminals, or slow to start.
MASKED = ("getty.target", "systemd-logind.service", "systemd-sysctl.service", "systemd-pstore.service",
          "systemd-update-utmp.service", "e2scrub_reap.service", "fstrim.timer", "dpkg-db-backup.timer",
          "logrotate.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "systemd-remount-fs.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "run-lock.mount")
# Masked, too, but where hosts watch over others.
WATCHING = ("prometheus.service", "prometheus-node-exporter.service")
# The clock, the modules, the ports and the log of a machine would be the host's.
DROPPED = "-sys_time,-sys_module,-sys_rawio,-syslog"


def poll(condition, seconds):
    """Returns the first true value that `condition()` gives, or what it gives when the time is over. A condition that
    takes long to tell is asked less often: it holds up what it waits for."""
    deadline = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        value = condition()
        now = time.monotonic()
        if value or now >= deadline:
            return value
        time.sleep(min(max(0.1, 5 * (now - asked)), deadline - now))


def wait_for(condition, what, seconds=60):
    """Returns the first true value that `condition()` gives; fails when there is none in time.

    A file that the condition wants to read and that is not there yet is something to wait for, too.
    """
    def now():
        try:
            return condition()
        except FileNotFoundError:
            return None

    value = poll(now, seconds)
    if not value:
        raise AssertionError(f"waited {seconds} s in vain: {what}")
    return value


def holds(condition, what, seconds):
    """Fails as soon as `condition()` is not true within the next seconds."""
    if poll(lambda: not condition(), seconds):
        raise AssertionError(f"not so for {seconds} s: {what}")


@contextlib.contextmanager
def locked_directory(path):
    """Holds an exclusive lock on a directory; fails with BlockingIOError when somebody else does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


# Machines

def scratch():
    """Where machines and installations of one run of the tests lie: tests/run removes it at the end."""
    return pathlib.Path(os.environ.get("HEARTBEATD_SYSTEM_DIR") or cache())


def own_cgroups():
    """The directories of this process's cgroups, by the controller of cgroup v1, or "" for cgroup2."""
    points = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, filesystem = line.partition(" - ")
        if filesystem.startswith("cgroup2 "):
            points.setdefault("", mount.split()[4])
        elif filesystem.startswith("cgroup "):
            # Of more than one controller if they are mounted together.
            for option in filesystem.split(" ")[2].split(","):
                points.setdefault(option, mount.split()[4])
    entries = (line.split(":", 2) for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines())
    paths = {name: path for _, names, path in entries for name in names.split(",")}
    return {name: pathlib.Path(points[name] + path) for name, path in paths.items() if name in points}


def own_cgroup():
    """The directory of this process's cgroup in the cgroup2 hierarchy."""
    cgroups = own_cgroups()
    if "" not in cgroups:
        raise HarnessError("no cgroup2 is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    return cgroups[""]


def is_empty(cgroup):
    """Whether neither the cgroup nor those below it hold a process."""
    return "populated 0" in (cgroup / "cgroup.events").read_text()


def remove_cgroup(cgroup):
    """Removes a cgroup, those below it, and the processes in them."""
    if not cgroup.exists():
        return
    if (cgroup / "cgroup.kill").exists():  # of v1 there is none: its processes are in a cgroup2, too
        (cgroup / "cgroup.kill").write_text("1")
        wait_for(lambda: is_empty(cgroup), f"every process of {cgroup} is gone")
    for directory, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(directory)


def remove_place(place):
    remove_cgroup(own_cgroup() / place.name)
    for cgroup in own_cgroups().values():
        remove_cgroup(cgroup / place.name)
    shutil.rmtree(place)


def remove_abandoned(directory):
    """Removes what a killed test left: the lock on a machine's place ends with the test's process."""
    for place in directory.glob("machine-*"):
        # In use, or just now being removed by its own test.
        with contextlib.suppress(BlockingIOError, FileNotFoundError), locked_directory(place):
            remove_place(place)


class Namespaces:
    """Processes in namespaces of their own over read-only layers; a context manager.

    layers: directories, the topmost first. keep: what is written survives a reboot. fake_boot: each boot has
    a boot id of its own and boot-time clocks that begin near 0, as a reboot is seen by what runs in it.
    shared: directories of the host to be seen inside at the same path.
    """

    init = ()
    dropped = DROPPED
    own_network = True
    controllers = ()  # of cgroup v1, to be mounted by the init; without any it finds a cgroup2

    def __init__(self, layers, keep=False, fake_boot=False, shared=()):
        self.layers = layers
        self.keep = keep
        self.fake_boot = fake_boot
        self.shared = shared
        self.process = None
        self.pid = None

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            self.make_place(undo)
            undo.callback(self.power_cut)
            self.boot()
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        self.undo.close()

    def make_place(self, undo):
        directory = scratch()
        with locked(directory / "machines.lock"):
            remove_abandoned(directory)
            self.place = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=directory))
            undo.enter_context(locked_directory(self.place))
        undo.callback(remove_place, self.place)
        self.cgroup = own_cgroup() / self.place.name
        self.cgroup.mkdir()
        self.cgroups_v1 = {name: own_cgroups()[name] / self.place.name for name in self.controllers}
        for cgroup in self.cgroups_v1.values():
            cgroup.mkdir()
        (self.place / "root").mkdir()
        (self.place / "disk").mkdir()

    @property
    def upper(self):
        """The directory with what this machine has written to its disk, when it keeps that."""
        return self.place / "disk" / "upper"

    @property
    def files(self):
        """The root of the running machine, as seen from outside: for relative paths without symlinks."""
        return pathlib.Path(f"/proc/{self.pid}/root")

    def in_cgroups(self, cgroups, command):
        for cgroup in cgroups:
            command = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(cgroup)] + command
        return command

    def confined(self, *command):
        """The command line that runs a command without what is dropped. With the host's setpriv(1), not one
        from inside: a small root has none that can do it."""
        return ["setpriv", f"--bounding-set={self.dropped}", *command]

    def unshare_command(self):
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup",
                   "--propagation=private"]
        if self.own_network:
            command.append("--net")
        if self.fake_boot:
            monotonic, boottime = (int(time.clock_gettime(clock))
                                   for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME))
            command += ["--time", f"--monotonic=-{monotonic}", f"--boottime=-{boottime}"]
        return command

    def boot_settings(self):
        """What boot.py is told, as JSON."""
        boot_id = self.place / "boot_id"
        if self.fake_boot:
            boot_id.write_text(f"{uuid.uuid4()}\n")
        return json.dumps({
            "place": str(self.place),
            "layers": [str(layer) for layer in self.layers],
            "keep": self.keep,
            "boot_id": str(boot_id) if self.fake_boot else None,
            "controllers": self.controllers,
            "shared": [str(directory) for directory in self.shared],
            "init": self.init,
        })

    def boot(self):
        # What run() starts is put beside the init's own cgroups: one with controllers holds no processes.
        # Made at each boot: a systemd that shuts down removes every empty cgroup below its own.
        (self.cgroup / "run").mkdir(exist_ok=True)
        self.log = self.place / "boot.log"
        with self.log.open("w") as log:
            command = self.unshare_command() + self.confined(str(BOOT), self.boot_settings())
            command = self.in_cgroups([self.cgroup, *self.cgroups_v1.values()], command)
            self.process = subprocess.Popen(command, env=ENVIRONMENT,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = None
        try:
            self.pid = wait_for(self.find_init, "the init has been started")
            self.wait_until_up()
        except (AssertionError, HarnessError) as error:
            raise HarnessError(f"no boot over {self.layers}: {error}\n{self.log.read_text()}") from None

    def find_init(self):
        """The PID 1 of the namespace once it is the init, past boot.py."""
        if self.process.poll() is not None:
            raise HarnessError("boot.py failed")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # sysvinit soon calls itself "init [2]".
                title = pathlib.Path(f"/proc/{child}/cmdline").read_text().split("\0")[0].split(" ")[0]
                if os.path.basename(title) == os.path.basename(self.init[0]):
                    return int(child)
        return None

    def wait_until_up(self):
        pass

    def power_cut(self):
        """Ends everything in it at one instant."""
        if self.process is None or self.process.poll() is not None:
            return
        # The child of unshare(1) is PID 1 inside; --kill-child takes it along should only unshare die.
        if self.pid is None:
            self.process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.wait_until_gone()

    def wait_until_gone(self):
        self.process.wait(timeout=60)
        wait_for(lambda: is_empty(self.cgroup), "every process of the machine is gone")

    def enter(self, *command):
        """The command line that runs a command inside."""
        into = self.confined("nsenter", f"--target={self.pid}", "--all", *command)
        return self.in_cgroups([self.cgroup / "run"], into)

    def run(self, *command, check=True, timeout=60, **options):
        """Runs a command inside; returns subprocess.CompletedProcess, its two outputs as text."""
        result = subprocess.run(self.enter(*command), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=timeout, **options)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {result.returncode}\n"
                                 f"{result.stdout[-4000:]}{result.stderr[-4000:]}")
        return result


class Shell(Namespaces):
    """A root without an init system: a shell waits as PID 1 and reaps."""

    init = ("sh", "-c", "sleep infinity & wait")


class Bare(Shell):
    """With the host's network. May hold machines of its own."""

    dropped = "-sys_module,-sys_rawio"
    own_network = False

    def wait_until_up(self):
        for name in ("resolv.conf", "hosts"):
            # A symlink in its place would be followed from outside, in the host's own /etc.
            (self.files / "etc" / name).unlink(missing_ok=True)
            shutil.copy(f"/etc/{name}", self.files / "etc" / name)


def systemd_without(*units):
    """systemd in a container takes what would be on the kernel's command line from its own."""
    return ("/lib/systemd/systemd", *(f"systemd.mask={unit}" for unit in units))


class Machine(Namespaces):
    """A host with systemd as its PID 1."""

    init = systemd_without(*MASKED, *WATCHING)

    def wait_until_up(self):
        try:
            wait_for(self.is_up_or_ended, "the machine is up", 180)
        except AssertionError as error:
            raise HarnessError(f"{error}\n{self.boot_jobs()}") from None

    def is_up_or_ended(self):
        if self.process.poll() is not None:
            raise HarnessError("the init has ended")
        return self.is_up()

    def is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def boot_jobs(self):
        """What a boot that takes too long has not finished."""
        return self.run("systemctl", "list-jobs", check=False).stdout

    def shutdown(self):
        """An orderly poweroff."""
        os.kill(self.pid, signal.SIGRTMIN + 4)
        self.wait_until_gone()

    def reboot(self):
        """An orderly shutdown and a boot over the same disk."""
        self.shutdown()
        self.boot()


class SysVInit(Machine):
    """A host with sysvinit as its PID 1, up in runlevel 2."""

    init = ("/sbin/init",)

    def is_up(self):
        return self.run("runlevel", check=False).stdout == "N 2\n" and not self.is_changing()

    def boot_jobs(self):
        return self.run("ps", "axf", check=False).stdout

    def is_changing(self):
        """Whether the scripts of a runlevel are still being run."""
        return self.run("pgrep", "--full", "^/bin/sh /etc/init.d/rc ", check=False).returncode == 0

    def shutdown(self):
        # The command is among what is ended.
        self.run("telinit", "0", check=False)
        self.wait_until_gone()


class OpenRC(SysVInit):
    """A host where sysvinit as PID 1 runs OpenRC."""

    def is_changing(self):
        """Whether a runlevel is still to be reached."""
        return self.run("rc-status", "--runlevel", check=False).stdout != "default\n" or \
            self.run("pgrep", "--exact", "openrc", check=False).returncode == 0
