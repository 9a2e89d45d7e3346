/* SPDX-License-Identifier: MIT */
#pragma once
/* The record as a picture: one SVG file that refers to nothing outside itself. */

#include "ctl/chronicle.h"
#include "ctl/print.h"

typedef struct Picture {
    const View *view;
    const Style *style;
    const ChronicleRange *range;
    const Periods *rows; /* days or months, in their order; what lies in none is not drawn */
    FILE *file;
} Picture;

/* Draws a row for each of the rows, and each gap as a shape with its explanation. That the history cannot be
 * read is noted in the summary. */
void svg_draw(const Picture *picture, Summary *summary);
