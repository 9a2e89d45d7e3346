#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the trees and the installations that the tests in this directory need, three at a time, for each waits for the
network and the disk now and then.

The tests make what is missing by themselves; this is for time limits that count tests only. What it makes
lies in $HEARTBEATD_SYSTEM_DIR, for one run of the tests, else in the cache of trees.
"""

import concurrent.futures
import sys

from install import KINDS, installed
from smallroot import small_root
from trees import HarnessError


def main():
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        jobs = [pool.submit(small_root), *(pool.submit(installed, kind) for kind in KINDS)]
        for job in jobs:
            print(job.result())


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, HarnessError) as error:
        sys.exit(f"prepare.py: {error}")
