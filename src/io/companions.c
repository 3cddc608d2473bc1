/* Companions of a loop: they see the events of its peers before the program does, and have some of
 * their own. The program is asked first: what it makes of an event comes before what they do. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "io/io.h"

kith_err kith_loop_add_companion(kith_loop *loop, const kith_companion *companion)
{
    kith_companion c = KITH_COMPANION_INIT;
    kith_err err = kith_config_read(&c, sizeof c, companion, "KITH_COMPANION_INIT");
    if (err != KITH_OK)
        return err;
    if (!c.handle_event || !c.poll_event)
        return kith_fail(KITH_ERR_TYPE, "a companion needs both functions");
    if (loop->companion_count == KITH_COMPANIONS)
        return kith_fail(KITH_ERR_RANGE, "a loop has at most %d companions", KITH_COMPANIONS);
    loop->companions[loop->companion_count++] = c;
    return KITH_OK;
}

void kith_loop_remove_companion(kith_loop *loop, const void *user)
{
    size_t i = 0;
    while (i < loop->companion_count && loop->companions[i].user != user)
        i++;
    if (i == loop->companion_count)
        return;
    loop->companion_count--;
    memmove(&loop->companions[i], &loop->companions[i + 1],
            (loop->companion_count - i) * sizeof loop->companions[0]);
}

const kith_event *kith_companions_next(kith_loop *loop, bool theirs_alone)
{
    const kith_event *ev = theirs_alone ? NULL : kith_endpoint_poll_event(loop->ep);
    for (size_t i = 0; i < loop->companion_count && ev; i++)
        loop->companions[i].handle_event(ev, loop->companions[i].user);
    for (size_t i = 0; i < loop->companion_count && !ev; i++)
        ev = loop->companions[i].poll_event(loop->companions[i].user);
    return ev;
}
