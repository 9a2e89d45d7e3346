# SPDX-License-Identifier: MIT
"""A year of a host to which everything has happened once."""

from statedir import SECOND, World

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
BEGIN = 1735689600 * SECOND  # 2025-01-01, UTC
END = BEGIN + 365 * DAY

# What happened on which day of the year, and for how long.
WITHIN_A_RUN = {
    "suspend": (20, 9 * HOUR, {}),
    "cpu-throttled": (33, 3 * HOUR, {"throttled": 3 * HOUR}),
    "cpu-starved": (47, 50 * MINUTE, {"starved": 49 * MINUTE}),
    "busy": (61, 20 * MINUTE, {"cpu": 20 * MINUTE, "faults": 123456}),
    "process-stopped": (90, 5 * HOUR, {"continued": 1}),
    "frozen": (104, 2 * HOUR, {"frozen": 2 * HOUR}),
    "output-blocked": (118, 4 * HOUR, {"step": 'output /mnt/<nfs> & "more"', "longest": 4 * HOUR}),
    "host-paused": (131, 30 * SECOND, {}),
}
BETWEEN_RUNS = {
    "service-crashed": (150, 30 * SECOND, {"result": "core-dump", "code": "dumped", "status": "SEGV"}),
    "service-oom-killed": (163, 2 * MINUTE, {"result": "oom-kill", "code": "killed", "status": "KILL"}),
    "service-watchdog-killed": (177, 3 * MINUTE, {"result": "watchdog", "code": "killed", "status": "ABRT",
                                                  "step": "sync pulse"}),
    "service-killed": (191, 6 * HOUR, {"result": "signal", "code": "killed", "status": "KILL"}),
    "service-failed": (205, 1 * DAY, {"result": "exit-code", "code": "exited", "status": "1"}),
    "service-stopped": (221, 10 * HOUR, {}),
}
OVER_BOOTS = {
    "host-shutdown": (240, 7 * HOUR, {}),
    "host-down": (262, 40 * HOUR, {}),
    "unknown": (285, 3 * DAY, {"host": "unknown", "confidence": "low"}),
}
SHORT_OUTAGE = 330  # a power cut of a minute


def events():
    """(day, name of the step, cause, duration, fields) in their order."""
    found = [(day, "stall", cause, usec, fields) for cause, (day, usec, fields) in WITHIN_A_RUN.items()]
    found += [(day, "restart", cause, usec, fields) for cause, (day, usec, fields) in BETWEEN_RUNS.items()]
    found += [(day, "reboot", cause, usec, fields) for cause, (day, usec, fields) in OVER_BOOTS.items()]
    found.append((SHORT_OUTAGE, "reboot", "host-down", MINUTE, {}))
    return sorted(found, key=lambda event: event[0])


def write(case):
    """The history of the year, from its first day on until a stop after its last."""
    world = World(case, BEGIN)
    for day, step, cause, usec, fields in events():
        world.live(BEGIN + day * DAY + 6 * HOUR - world.at)
        getattr(world, step)(cause, usec, **fields)
    world.live(END + HOUR - world.at)
    world.stop()
    return world
