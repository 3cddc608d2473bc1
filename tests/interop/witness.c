/* docs/examples/mirror.c, of whole frames, and one that says what it knows: the answer to the line
 * {"stats": true} is its getStats(), {"report": [...]}; {"offer": true} has it offer once more. */
#include <kith/kith.h>

#include <stdio.h>
#include <string.h>

static void must(kith_err err);
static void describe(kith_pc *pc);
static void (*mirror)(kith_loop *loop, const kith_event *ev, void *user);

static void on_frame(kith_loop *loop, const kith_event *ev, void *user)
{
    if (ev->type == KITH_EV_TRACK)
        must(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
    else if (ev->type == KITH_EV_FRAME) /* as with packets: what cannot be sent is dropped */
        (void)!kith_sender_send_frame(ev->sender, ev->frame);
    else
        mirror(loop, ev, user);
}

static kith_err new_of_frames(kith_loop **out, const kith_loop_config *config)
{
    kith_loop_config own = *config;
    mirror = own.on_event;
    own.on_event = on_frame;
    return kith_loop_new(out, &own);
}

static kith_err tell(kith_pc *pc)
{
    char *json;
    kith_stats_report *report;
    must(kith_pc_get_stats(pc, &report));
    must(kith_stats_report_to_json(report, &json));
    kith_stats_report_free(report);
    printf("{\"report\": %s}\n", json);
    kith_free(json);
    return KITH_OK;
}

static kith_err take(kith_pc *pc, const char *line, size_t len)
{
    if (strncmp(line, "{\"stats\"", 8) == 0)
        return tell(pc);
    if (strncmp(line, "{\"offer\"", 8) != 0)
        return kith_pc_apply_json(pc, line, len);
    describe(pc);
    return KITH_OK;
}

#define kith_loop_new      new_of_frames
#define kith_pc_apply_json take
#include "../../docs/examples/mirror.c"
