/* Memory is short for a moment while two negotiators talk: the call that it happened to says so,
 * works when it is made again, and in the end both sides agree. */
#include <string.h>

#include "../unit/unit.h"
#include "kith/kith.h"
#include "oom.h"

typedef struct side {
    kith_pc *pc;
    kith_negotiator *negotiator;
} side;

/* The call works, or it says NO_MEMORY and works then. False: memory is gone for good. */
#define TRY(call) (take((call)) || take((call)))

static bool take(kith_err err)
{
    ck_assert_msg(err == KITH_OK || err == KITH_ERR_NO_MEMORY, "%s", kith_last_error()->message);
    return err == KITH_OK;
}

static bool speak(side *from, side *to)
{
    for (const char *text; TRY(kith_negotiator_poll(from->negotiator, &text));) {
        if (!text)
            return true;
        if (!TRY(kith_negotiator_receive(to->negotiator, text, strlen(text))))
            return false;
    }
    return false;
}

static bool run(kith_endpoint *ep, side *sides)
{
    const kith_event *ev;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t packet[KITH_MAX_PACKET];
    kith_endpoint_handle_timeout(ep, 0);
    while (kith_endpoint_poll_packet(ep, 0, &info, packet, sizeof packet) > 0)
        ;
    while ((ev = kith_endpoint_poll_event(ep)))
        for (int i = 0; i < 2; i++)
            if (!TRY(kith_negotiator_handle_event(sides[i].negotiator, ev)))
                return false;
    return speak(&sides[0], &sides[1]) && speak(&sides[1], &sides[0]);
}

static bool set_up(kith_endpoint *ep, side *sides)
{
    kith_address local;
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    ck_assert_int_eq(kith_address_parse(&local, "192.0.2.7:5000"), KITH_OK);
    if (!TRY(kith_endpoint_add_local_address(ep, &local)))
        return false;
    for (int i = 0; i < 2; i++) {
        config.polite = i == 1;
        if (!TRY(kith_pc_new(&sides[i].pc, ep, NULL)) ||
            !TRY(kith_negotiator_new(&sides[i].negotiator, sides[i].pc, &config)))
            return false;
    }
    return TRY(kith_pc_create_data_channel(sides[0].pc, "x", NULL, NULL));
}

static void scenario(void *arg)
{
    kith_endpoint *ep = NULL;
    side sides[2] = {0};
    (void)arg;
    if (!TRY(kith_endpoint_new(&ep, NULL)))
        return;
    bool ready = set_up(ep, sides);
    for (int i = 0; ready && i < 8; i++)
        ready = run(ep, sides) && (i != 4 || TRY(kith_negotiator_resend(sides[0].negotiator)));
    for (int i = 0; i < 2; i++) {
        if (ready)
            ck_assert_int_eq(kith_pc_signaling_state(sides[i].pc), KITH_SIGNALING_STATE_STABLE);
        if (ready)
            ck_assert_ptr_nonnull(kith_pc_current_remote_description(sides[i].pc));
        kith_negotiator_free(sides[i].negotiator);
    }
    ck_assert(ready || oom.persistent);
    kith_endpoint_free(ep);
}

START_TEST(the_next_call_works_and_both_agree)
{
    scenario(NULL); /* what is made once for the process is made before the sweep counts */
    ck_assert_uint_ge(oom_sweep(scenario, NULL), 100);
}
END_TEST

UNIT_MAIN("oom: negotiator", the_next_call_works_and_both_agree)
