#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the trees and the installations that the tests in this directory need, both suites at once.

The tests make what is missing by themselves; this is for time limits that count tests only. What it makes
lies in $HEARTBEATD_SYSTEM_DIR, for one run of the tests, else in the cache of trees.
"""

import concurrent.futures
import sys

from install import SUITES, installed
from machine import HarnessError


def main():
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for layers in pool.map(installed, SUITES):
            print(*layers, sep=" over ")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, HarnessError) as error:
        sys.exit(f"prepare.py: {error}")
