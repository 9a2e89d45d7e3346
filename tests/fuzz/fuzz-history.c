/* SPDX-License-Identifier: MIT */
/* Any bytes as a whole record: pulse, history and the time to look at them, as record.h has it. Whatever
 * stands there, no figure is impossible, the parts come to the whole, and what is thrown away stays counted.
 */

#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/exposition.h"
#include "core/tally.h"
#include "core/timestamp.h"
#include "ctl/chronicle.h"
#include "record.h"
#include "store/history.h"

#define HIGHEST_USEC (USEC_INFINITY - 1) /* of usec_add() */

typedef struct Walk {
    Tally tally;
    usec_t usec; /* of all segments; stays at the highest value */
    uint64_t outages, gaps;
    bool any, ongoing;
    Segment last;
} Walk;

static void check_segment(const Walk *walk, const Segment *segment)
{
    const Segment *last = &walk->last;
    FUZZ_ASSERT(segment->from_usec <= segment->to_usec);
    FUZZ_ASSERT(segment->to_usec / USEC_PER_SEC <= TIMESTAMP_LAST_SEC);
    FUZZ_ASSERT(segment->from_usec < segment->to_usec || segment->outage > 0 || segment->gap > 0);
    FUZZ_ASSERT((segment->host == HOST_DOWN) == (segment->outage > 0));
    FUZZ_ASSERT(segment->gap > 0 || !segment->ongoing);
    FUZZ_ASSERT(!walk->ongoing || segment->ongoing); /* nothing comes after what lasts until now */
    FUZZ_ASSERT(segment->pulse != PULSE_SILENT || segment->gap > 0 || segment->host == HOST_UNKNOWN);
    if (segment->outage > 0)
        FUZZ_ASSERT(segment->outage == walk->outages || segment->outage == walk->outages + 1);
    if (segment->gap > 0)
        FUZZ_ASSERT(segment->gap == walk->gaps || segment->gap == walk->gaps + 1);
    if (walk->any && last->to_usec == segment->from_usec)
        FUZZ_ASSERT(last->host != segment->host || last->pulse != segment->pulse ||
                    last->outage != segment->outage || last->gap != segment->gap);
}

static void take_whole(void *context, const Segment *segment)
{
    Walk *walk = context;
    check_segment(walk, segment);
    tally_add(&walk->tally, segment, segment->from_usec, segment->to_usec, false);
    walk->usec = usec_add(walk->usec, segment->to_usec - segment->from_usec);
    walk->outages = segment->outage > 0 ? segment->outage : walk->outages;
    walk->gaps = segment->gap > 0 ? segment->gap : walk->gaps;
    walk->ongoing = segment->ongoing;
    walk->last = *segment;
    walk->any = true;
}

static void take_part(void *context, const Segment *segment)
{
    FUZZ_ASSERT(segment->from_usec <= segment->to_usec);
    tally_add(context, segment, segment->from_usec, segment->to_usec, false);
}

static void check_share(uint64_t share, usec_t good_usec, usec_t bad_usec)
{
    char text[SHARE_TEXT_MAX];
    fuzz_assert_printable(share_format(share, text));
    if (good_usec == 0 && bad_usec == 0) {
        FUZZ_ASSERT(share == EVENT_NONE && strcmp(text, "n/a") == 0);
        return;
    }
    FUZZ_ASSERT(share <= 1000000 && (share == 1000000) == (bad_usec == 0));
    FUZZ_ASSERT(good_usec > 0 || share == 0);
}

static void check_outages(const Outages *outages, usec_t good_usec)
{
    usec_t between_usec = outages_mean_between(outages, good_usec);
    usec_t repair_usec = outages_mean_repair(outages);
    FUZZ_ASSERT(outages->measured <= outages->count && outages->longest_usec <= outages->usec);
    FUZZ_ASSERT((outages->measured == 0) == (outages->usec == 0));
    FUZZ_ASSERT(outages->count == 0 ? between_usec == EVENT_NONE : between_usec <= good_usec);
    FUZZ_ASSERT(outages->measured == 0 ? repair_usec == EVENT_NONE : repair_usec <= outages->longest_usec);
}

/* Sums stay at the highest value; before that they are exact. */
static void check_tally(const Tally *tally, usec_t whole_usec)
{
    Outages causes = { 0 };
    check_share(share_of(tally->up_usec, tally->down_usec), tally->up_usec, tally->down_usec);
    check_share(share_of(tally->beating_usec, tally->silent_usec), tally->beating_usec, tally->silent_usec);
    check_outages(&tally->outages, tally->up_usec);
    check_outages(&tally->gaps, tally->beating_usec);
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        check_outages(&tally->causes[cause], tally->beating_usec);
        causes.count += tally->causes[cause].count;
        causes.measured += tally->causes[cause].measured;
        causes.usec = usec_add(causes.usec, tally->causes[cause].usec);
    }
    FUZZ_ASSERT(causes.count == tally->gaps.count && causes.measured == tally->gaps.measured);
    if (whole_usec >= HIGHEST_USEC)
        return;
    usec_t sum = tally->up_usec + tally->down_usec + tally->suspended_usec + tally->unknown_usec;
    FUZZ_ASSERT(sum == whole_usec && causes.usec == tally->gaps.usec);
    FUZZ_ASSERT(tally->outages.usec == tally->down_usec);
    FUZZ_ASSERT(tally->beating_usec + tally->silent_usec <= sum - tally->suspended_usec);
}

static void check_parts(const View *view, const Walk *whole, usec_t cut_usec)
{
    ChronicleRange before = { USEC_INFINITY, cut_usec }, after = { cut_usec, USEC_INFINITY };
    Tally tally = { 0 };
    Summary summary;
    (void)chronicle_read(view, &before, take_part, &tally, &summary);
    (void)chronicle_read(view, &after, take_part, &tally, &summary);
    FUZZ_ASSERT(tally.up_usec == whole->tally.up_usec && tally.down_usec == whole->tally.down_usec &&
                tally.suspended_usec == whole->tally.suspended_usec &&
                tally.unknown_usec == whole->tally.unknown_usec &&
                tally.beating_usec == whole->tally.beating_usec &&
                tally.silent_usec == whole->tally.silent_usec);
}

static void check_walk(const View *view)
{
    ChronicleRange everything = { USEC_INFINITY, USEC_INFINITY };
    Walk walk = { 0 };
    Summary summary;
    int r = chronicle_read(view, &everything, take_whole, &walk, &summary);
    FUZZ_ASSERT(r == (walk.any ? 0 : -ENODATA));
    check_tally(&walk.tally, walk.usec);
    FUZZ_ASSERT(walk.tally.gaps.count == walk.gaps && walk.tally.outages.count == walk.outages);
    if (walk.usec < HIGHEST_USEC)
        check_parts(view, &walk, walk.any ? walk.last.from_usec : view->realtime_usec);
}

/* The one figure that is not in the record but made here. */
static void check_ongoing(const View *view)
{
    char line[EVENT_LINE_MAX];
    Event gap;
    if (view_ongoing_gap(view, &gap) == 0)
        return;
    FUZZ_ASSERT(event_format(&gap, line) > 0);
    if (gap.lasted_usec != EVENT_NONE)
        FUZZ_ASSERT(gap.lasted_usec <= usec_max(view->boottime_usec, view->realtime_usec));
    FUZZ_ASSERT(gap.missed == EVENT_NONE || gap.missed <= gap.lasted_usec / gap.interval_usec);
}

static void check_view(const View *view)
{
    const Past *past = &view->past;
    Census census;
    char text[EXPOSITION_MAX], why[VIEW_WORDS_MAX];
    FUZZ_ASSERT(!past->readable || past->any);
    FUZZ_ASSERT((view->liveness == LIVENESS_NEVER_RAN) == !past->any);
    FUZZ_ASSERT(view->age_usec == EVENT_NONE || view->age_usec <= view->boottime_usec);
    FUZZ_ASSERT(strlen(past->step) < STEP_MAX);
    fuzz_assert_printable(view_why_unreadable(view, why));
    (void)history_count(view->state_dir, &census);
    size_t length = exposition_format(&past->pulse, &census, text);
    FUZZ_ASSERT(length < EXPOSITION_MAX - 1 && strlen(text) == length);
    fuzz_assert_lines(text);
}

static uint64_t sum_of(const Census *census)
{
    uint64_t sum = 0;
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        sum += census->gaps[cause];
    return sum;
}

/* The newer half is kept, and a reader counts as many gaps as before. */
static void check_trim(const View *view)
{
    Census before, after;
    Event stamp;
    int fd = history_open(view->state_dir);
    FUZZ_ASSERT(fd >= 0);
    FUZZ_ASSERT(history_count(view->state_dir, &before) == 0);
    off_t size = lseek(fd, 0, SEEK_END);
    event_init(&stamp, EVENT_TRIM);
    stamp.realtime_usec = view->realtime_usec;
    stamp.boottime_usec = view->boottime_usec;
    memcpy(stamp.boot, view->boot, sizeof(stamp.boot));
    memcpy(stamp.run, view->past.pulse.run[0] ? view->past.pulse.run : view->boot, sizeof(stamp.run));
    int r = history_trim(view->state_dir, &fd, (uint64_t)size / 2 + 1, &stamp);
    FUZZ_ASSERT(r == (size > size / 2 + 1) || r == -E2BIG);
    FUZZ_ASSERT(history_count(view->state_dir, &after) == 0);
    if (r == 1)
        FUZZ_ASSERT(sum_of(&after) == sum_of(&before));
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    View view;
    record_look(size > 0 ? (const char *)data : "", size, &view);
    check_view(&view);
    check_ongoing(&view);
    check_walk(&view);
    check_trim(&view);
    return 0;
}
