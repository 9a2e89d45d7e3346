/* SPDX-License-Identifier: MIT */
/* What went wrong, in words for the user. */

#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

int error_set(Error *ret, int exit_code, int errnum, const char *format, ...)
{
    char raw[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);

    ret->exit_code = exit_code;
    ret->errnum = errnum;
    text_escape(raw, strlen(raw), ret->text, sizeof(ret->text));
    return -errnum;
}

bool error_passes(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == EIO || errnum == ENFILE || errnum == EMFILE ||
           errnum == ENOMEM;
}
