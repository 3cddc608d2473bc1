/* Memory is short for a moment while audio and video are negotiated: the call that it happened to
 * says NO_MEMORY, changed nothing, and works when it is made again. */
#include <string.h>

#include "../unit/unit.h"
#include "kith/kith.h"
#include "oom.h"

/* Makes the call once more where memory was short. */
#define TRY(call)                                                                    \
    do {                                                                             \
        kith_err err_ = (call);                                                      \
        if (err_ == KITH_ERR_NO_MEMORY)                                              \
            err_ = (call);                                                           \
        ck_assert_msg(err_ == KITH_OK, "allocation %zu: %s: %s", oom.fail_at, #call, \
                      kith_last_error()->message);                                   \
    } while (0)

static void drain(kith_endpoint *ep)
{
    while (kith_endpoint_poll_event(ep))
        ;
}

/* Texts are copied: a description is borrowed until the next call. */
static void negotiate(kith_pc *from, kith_pc *to)
{
    static char text[65536];
    for (int step = 0; step < 2; step++) {
        TRY(kith_pc_set_local_description(from, NULL));
        const kith_session_description *d = kith_pc_local_description(from);
        ck_assert_ptr_nonnull(d);
        snprintf(text, sizeof text, "%s", d->sdp);
        const kith_session_description given = {.type = d->type, .sdp = text};
        TRY(kith_pc_set_remote_description(to, &given));
        kith_pc *other = from;
        from = to;
        to = other;
    }
}

static void life(void)
{
    kith_endpoint *ep = NULL;
    kith_pc *a = NULL, *b = NULL;
    kith_transceiver *video = NULL;
    kith_sender *audio = NULL;
    TRY(kith_endpoint_new(&ep, NULL));
    TRY(kith_pc_new(&a, ep, NULL));
    TRY(kith_pc_new(&b, ep, NULL));
    TRY(kith_pc_add_transceiver(a, KITH_VIDEO, NULL, &video));
    TRY(kith_pc_add_track(a, KITH_AUDIO, "voice", (const char *[]){"one", "two"}, 2, &audio));
    negotiate(a, b);
    ck_assert_uint_eq(kith_pc_transceiver_count(b), 2);
    drain(ep);
    TRY(kith_pc_add_track(b, KITH_AUDIO, NULL, NULL, 0, NULL));
    negotiate(b, a);
    ck_assert_int_eq(kith_transceiver_current_direction(kith_sender_transceiver(audio)),
                     KITH_DIRECTION_SENDRECV);
    kith_rtp_send_parameters *sending = NULL;
    const kith_rtp_receive_parameters *receiving = NULL;
    TRY(kith_sender_get_parameters(audio, &sending));
    TRY(kith_sender_set_parameters(audio, sending));
    TRY(kith_receiver_get_parameters(kith_transceiver_receiver(video), &receiving));
    TRY(kith_sender_set_streams(audio, (const char *const[]){"desk", "door"}, 2));
    TRY(kith_sender_replace_track(audio, NULL));
    TRY(kith_transceiver_set_codec_preferences(video, kith_rtp_capability_at(KITH_VIDEO, 0), 1));
    negotiate(a, b);
    TRY(kith_transceiver_stop(video));
    negotiate(a, b);
    ck_assert_uint_eq(kith_pc_transceiver_count(a), 1);
    ck_assert_uint_eq(kith_pc_transceiver_count(b), 1);
    drain(ep);
    kith_endpoint_free(ep);
}

START_TEST(a_call_that_lacked_memory_works_when_it_is_made_again)
{
    bool failed = true;
    size_t runs = 0;
    for (size_t at = 1; failed; at++, runs++) {
        oom_begin(at, false);
        life();
        failed = oom_end();
    }
    ck_assert_uint_gt(runs, 300);
}
END_TEST

UNIT_MAIN("oom: media", a_call_that_lacked_memory_works_when_it_is_made_again)
