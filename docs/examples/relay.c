/* One to many: what the first browser sends goes to all others as it came, without decoding; and
 * when one of them needs a key frame, the first is asked. A line of JSON begins with the number of
 * whose it is: 0 is the first, who offers; any other number that speaks gets an offer. */
#include <err.h>
#include <kith/kith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 64

static kith_loop *loop;
static kith_pc *all[MANY];

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static void describe(kith_pc *pc)
{
    char *json;
    must(kith_pc_set_local_description(pc, NULL));
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    printf("%td %s\n", (kith_pc **)kith_pc_user(pc) - all, json);
    kith_free(json);
}

static kith_transceiver *find(kith_pc *pc, kith_media_kind kind)
{
    size_t i = 0;
    kith_transceiver *t = NULL;
    while (pc && (t = kith_pc_transceiver_at(pc, i++)) && kith_transceiver_kind(t) != kind)
        continue;
    return t;
}

static void on_event(kith_loop *of, const kith_event *ev, void *user)
{
    (void)of, (void)user;
    char *json;
    kith_transceiver *t = NULL;
    kith_media_kind kind = ev->transceiver ? kith_transceiver_kind(ev->transceiver) : KITH_AUDIO;
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        describe(ev->pc);
        break;
    case KITH_EV_ICE_CANDIDATE:
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
        printf("%td %s\n", (kith_pc **)kith_pc_user(ev->pc) - all, json);
        kith_free(json);
        break;
    case KITH_EV_RTP:
        for (int i = 1; ev->pc == all[0] && i < MANY; i++)
            if ((t = find(all[i], kind))) /* who cannot take it now, misses it */
                (void)!kith_sender_send_rtp(kith_transceiver_sender(t), ev->rtp);
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        if (ev->pc != all[0] && (t = find(all[0], kind)))
            kith_receiver_request_key_frame(kith_transceiver_receiver(t));
        break;
    default:
        break;
    }
}

static void add(unsigned long number)
{
    kith_transceiver_init sends = KITH_TRANSCEIVER_INIT;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.user = &all[number];
    sends.direction = KITH_DIRECTION_SENDONLY;
    must(kith_pc_new(&all[number], kith_loop_endpoint(loop), &config));
    for (kith_media_kind kind = KITH_AUDIO; number > 0 && kind <= KITH_VIDEO; kind++)
        must(kith_pc_add_transceiver(all[number], kind, &sends, NULL));
}

int main(void)
{
    static char line[262144], *json;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_loop_start(loop));
    while (fgets(line, sizeof line, stdin)) {
        unsigned long number = strtoul(line, &json, 10) % MANY;
        kith_loop_enter(loop);
        if (!all[number])
            add(number);
        if (strchr(json, '{'))
            must(kith_pc_apply_json(all[number], json, strcspn(json, "\n")));
        if (kith_pc_signaling_state(all[number]) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
            describe(all[number]);
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
}
