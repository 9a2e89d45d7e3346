/* SPDX-License-Identifier: MIT */

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    unsigned nth;
    int error;
} plans[FAULT_CALLS];

void fault_plan(FaultCall call, unsigned nth, int error)
{
    plans[call].nth = nth;
    plans[call].error = error;
}

static bool fails(FaultCall call)
{
    if (plans[call].nth == 0 || --plans[call].nth > 0)
        return false;
    errno = plans[call].error;
    return true;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    return fails(FAULT_PREAD) ? -1 : syscall(SYS_pread64, fd, buffer, size, offset);
}

off_t lseek(int fd, off_t offset, int whence)
{
    return fails(FAULT_LSEEK) ? -1 : syscall(SYS_lseek, fd, offset, whence);
}

int fsync(int fd)
{
    return fails(FAULT_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fstat(int fd, struct stat *ret)
{
    return fails(FAULT_FSTAT) ? -1 : (int)syscall(SYS_fstat, fd, ret);
}

int fchmod(int fd, mode_t mode)
{
    return fails(FAULT_FCHMOD) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}
