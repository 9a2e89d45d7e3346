/* SPDX-License-Identifier: MIT */
#pragma once
/* A gap in sentences: what happened, to the host and to the service, by what evidence, and what to do about
 * it. */

#include <stdio.h>

#include "ctl/print.h"
#include "ctl/view.h"

typedef struct Story {
    const View *view;
    const Style *style;
    FILE *text;   /* takes the sentences, a line each */
    bool ongoing; /* the gap is the one that lasts until now */
} Story;

void story_tell(const Story *story, const Event *gap);
