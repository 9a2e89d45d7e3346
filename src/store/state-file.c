/* SPDX-License-Identifier: MIT */
/* A file in the state directory. */

#include "store/state-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "build-config.h"
#include "store/guard.h"
#include "util/cleanup.h"
#include "util/env.h"
#include "util/file.h"

int state_directory_default(bool system, char **ret)
{
    const char *state = env_path("XDG_STATE_HOME"), *home = env_path("HOME");
    if (!system && !state && !home)
        return -ENOENT;
    *ret = system  ? strdup(LOCALSTATE_DIR "/lib/heartbeatd")
           : state ? path_join(state, "heartbeatd")
                   : path_join(home, ".local/state/heartbeatd");
    return *ret ? 0 : -ENOMEM;
}

static bool is_regular(mode_t mode)
{
    return S_ISREG(mode);
}

int state_file_open(const char *path, int flags)
{
    struct stat st;
    int fd = guard_open(path, flags, is_regular, &st);
    return fd == -EISDIR && (flags & O_ACCMODE) == O_RDONLY ? -EINVAL : fd;
}

/* With the mode from its first moment on, for nobody mends it when this process is killed right after. */
static int create(const char *path, int flags, mode_t mode)
{
    mode_t mask = umask(0);
    int fd = open(path, flags | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    int error = errno;
    umask(mask);
    return fd < 0 ? -error : fd;
}

int state_directory_sync(const char *directory)
{
    cleanup_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int state_file_make(const char *path, int flags, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *directory = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    struct stat st;
    if (!directory)
        return -ENOMEM;
    cleanup_close int fd = create(path, flags, mode);
    if (fd < 0)
        return fd;
    if (fchmod(fd, mode) < 0) /* a default ACL of the directory comes in the umask's place: acl(5) */
        return -errno;
    if (geteuid() == 0 && (stat(directory, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0))
        return -errno;
    return steal_fd(&fd);
}

int state_file_open_or_make(const char *path, int flags, mode_t mode)
{
    for (;;) {
        int fd = state_file_open(path, flags);
        if (fd == -ENOENT)
            fd = state_file_make(path, flags, mode);
        if (fd != -EEXIST) /* else another start was faster */
            return fd;
    }
}
