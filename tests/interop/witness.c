/* A mirror of whole frames that says what it knows: the answer to the line {"stats": true} is its
 * getStats(), {"report": [...]}; {"offer": true} has it offer once more. Else as
 * docs/examples/mirror.c. */
#include <kith/kith.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static void print(const char *before, char *json, const char *after)
{
    printf("%s%s%s\n", before, json, after);
    kith_free(json);
}

/* Where the browser sends we do, too. */
static void describe(kith_pc *pc)
{
    char *json;
    for (size_t i = 0; i < kith_pc_transceiver_count(pc); i++) {
        kith_transceiver *transceiver = kith_pc_transceiver_at(pc, i);
        if (kith_transceiver_direction(transceiver) == KITH_DIRECTION_RECVONLY)
            must(kith_transceiver_set_direction(transceiver, KITH_DIRECTION_SENDRECV));
    }
    must(kith_pc_set_local_description(pc, NULL));
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    print("", json, "");
}

static void tell(kith_pc *pc)
{
    char *json;
    kith_stats_report *report;
    must(kith_pc_get_stats(pc, &report));
    must(kith_stats_report_to_json(report, &json));
    kith_stats_report_free(report);
    print("{\"report\": ", json, "}");
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop, (void)user;
    char *json;
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        describe(ev->pc);
        break;
    case KITH_EV_ICE_CANDIDATE:
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
        print("", json, "");
        break;
    case KITH_EV_TRACK:
        must(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_FRAME: /* what cannot be sent, while the browser does not want it, is dropped */
        (void)!kith_sender_send_frame(ev->sender, ev->frame);
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        kith_receiver_request_key_frame(ev->receiver);
        break;
    default:
        break;
    }
}

static void take(kith_pc *pc, const char *line)
{
    if (strncmp(line, "{\"stats\"", 8) == 0) {
        tell(pc);
        return;
    }
    if (strncmp(line, "{\"offer\"", 8) == 0) {
        describe(pc);
        return;
    }
    must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
    if (kith_pc_signaling_state(pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(pc);
}

int main(void)
{
    static char line[262144];
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_loop_start(loop));
    while (fgets(line, sizeof line, stdin)) {
        kith_loop_enter(loop);
        take(pc, line);
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
    return 0;
}
