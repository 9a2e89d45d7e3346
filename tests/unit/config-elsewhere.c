/* SPDX-License-Identifier: MIT */
/* The config module as it is, but for files below the working directory in place of /etc: so can tests have
 * default files of their own. It stands in for the library's. */

#include "build-config.h"

#undef CONFIG_DIR
#define CONFIG_DIR "etc"

#include "daemon/config.c"
