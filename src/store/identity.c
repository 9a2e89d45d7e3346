/* SPDX-License-Identifier: MIT */
/* Which machine, boot and process this is. */

#include "store/identity.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/crc32.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/number.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define MACHINE_ID_FILE "/etc/machine-id"
/* Where systemd keeps an id that it could not store, and that is another one after the next boot. */
#define PASSING_MACHINE_ID_FILE "/run/machine-id"

int identity_boot(char ret[static BOOT_ID_LENGTH + 1])
{
    cleanup_free char *text = NULL;
    size_t length, n = 0;
    int r = file_read(BOOT_ID_FILE, 64, &text, &length);
    if (r < 0)
        return r;
    for (const char *at = text; *at && *at != '\n'; at++)
        if (*at != '-' && n < BOOT_ID_LENGTH)
            ret[n++] = *at;
    ret[n] = '\0';
    return n == BOOT_ID_LENGTH ? 0 : -EBADMSG;
}

void identity_machine(char ret[static MACHINE_LENGTH + 1])
{
    cleanup_free char *text = NULL;
    size_t length;
    ret[0] = '\0';
    if (access(PASSING_MACHINE_ID_FILE, F_OK) == 0 || file_read(MACHINE_ID_FILE, 64, &text, &length) < 0)
        return;
    if (strspn(text, "0123456789abcdef") == 32) /* not the "uninitialized" of an image */
        snprintf(ret, MACHINE_LENGTH + 1, "%08" PRIx32, crc32(text, 32));
}

/* Fields are counted from behind the command's name, which may have anything in it. */
static int take_start(char *stat, uint64_t *ret_start_ticks)
{
    enum { STATE = 3, STARTTIME = 22 };
    char *rest = strrchr(stat, ')'), *field = NULL;
    if (!rest || rest[1] != ' ')
        return -EBADMSG;
    rest += 2;
    for (int i = STATE; i <= STARTTIME; i++) {
        field = strsep(&rest, " ");
        if (!field)
            return -EBADMSG;
        if (i == STATE && (field[0] == 'Z' || field[0] == 'X'))
            return -ESRCH;
    }
    return number_take(field, field + strlen(field), ret_start_ticks) ? 0 : -EBADMSG;
}

int identity_process(pid_t pid, uint64_t *ret_start_ticks)
{
    char path[64] = "/proc/";
    cleanup_free char *text = NULL;
    size_t length;
    if (pid <= 0)
        return -ESRCH;
    stpcpy(number_put(path + strlen(path), (uint64_t)pid), "/stat");
    int r = file_read(path, 4096, &text, &length);
    if (r == -ENOENT)
        return kill(pid, 0) == 0 || errno == EPERM ? -EPERM : -ESRCH;
    return r < 0 ? r : take_start(text, ret_start_ticks);
}
