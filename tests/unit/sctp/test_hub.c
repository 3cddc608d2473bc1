#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>

#include "sctp/usrsctp/hub.h"

START_TEST(ports_have_addresses_of_their_own)
{
    kith_hub_config config = {.local_port = 5000};
    kith_hub_port *ports[50];
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(kith_hub_attach(&ports[i], &config), KITH_OK);
        ck_assert_ptr_nonnull(kith_hub_address(ports[i]));
        ck_assert_uint_ne(kith_hub_inner_port(ports[i]), 0);
        for (int k = 0; k < i; k++)
            ck_assert_ptr_ne(kith_hub_address(ports[i]), kith_hub_address(ports[k]));
    }
    for (int i = 0; i < 50; i++)
        kith_hub_detach(ports[i]);
}
END_TEST

START_TEST(what_was_handed_is_unsent_until_it_leaves_or_is_dropped)
{
    kith_hub_config config = {.local_port = 5000};
    kith_hub_port *port;
    ck_assert_int_eq(kith_hub_attach(&port, &config), KITH_OK);
    kith_hub_handing(port, 5000);
    ck_assert_uint_eq(kith_hub_unsent(port, 100000), 5000);
    kith_hub_not_handed(port, 1000);
    ck_assert_uint_eq(kith_hub_unsent(port, 100000), 4000);
    ck_assert_uint_eq(kith_hub_unsent(port, 300), 300);
    kith_hub_not_handed(port, 1000);
    ck_assert_uint_eq(kith_hub_unsent(port, 100000), 0);
    kith_hub_detach(port);
}
END_TEST

START_TEST(packets_carry_the_port_of_sdp_and_a_checksum)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 0, 10, 1), KITH_OK);
    uint8_t bytes[MTU];
    size_t len = kith_sctp_output(w->side[LEFT].sctp, w->now, bytes, sizeof bytes);
    ck_assert_uint_eq(len, 12 + 16 + 12);
    ck_assert_uint_eq((unsigned)bytes[0] << 8 | bytes[1], 5000);
    ck_assert_uint_eq((unsigned)bytes[2] << 8 | bytes[3], 5000);
    uint32_t said = (uint32_t)bytes[8] | (uint32_t)bytes[9] << 8 | (uint32_t)bytes[10] << 16 |
                    (uint32_t)bytes[11] << 24;
    memset(bytes + 8, 0, 4);
    /* RFC 9260 appendix A, bit by bit. */
    uint32_t sum = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 1) != 0 ? sum >> 1 ^ 0x82F63B78u : sum >> 1;
    }
    ck_assert_uint_eq(said, ~sum);
    wire_down(w);
}
END_TEST

/* ---- several threads, one clock ---- */

#define THREADS  3
#define MESSAGES 200

static atomic_llong common_clock = 1000000;

static void *transfer(void *argument)
{
    wire *w = argument;
    unsigned *left = &w->side[LEFT].seen.messages, *right = &w->side[RIGHT].seen.messages;
    bool begun = false;
    for (int i = 0; i < 2000000 && (*left < MESSAGES || *right < MESSAGES); i++) {
        w->now = atomic_fetch_add(&common_clock, 50);
        deliver_due(w);
        drain(w);
        if (begun || !w->side[LEFT].seen.connected || !w->side[RIGHT].seen.connected)
            continue;
        begun = true;
        for (uint32_t n = 0; n < MESSAGES; n++) {
            ck_assert_int_eq(send_number(w, LEFT, 0, 3000, n), KITH_OK);
            ck_assert_int_eq(send_number(w, RIGHT, 0, 3000, n), KITH_OK);
        }
    }
    return NULL;
}

START_TEST(associations_in_several_threads_do_not_disturb_each_other)
{
    static wire wires[THREADS];
    pthread_t threads[THREADS];
    kith_sctp_config config = wire_config();
    for (int i = 0; i < THREADS; i++) {
        wire_init(&wires[i], &config, &config);
        wires[i].loss = 20;
        wires[i].rng += (uint64_t)i;
        open_both(&wires[i], 0, NULL);
        kith_sctp_start(wires[i].side[LEFT].sctp);
        kith_sctp_start(wires[i].side[RIGHT].sctp);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, transfer, &wires[i]), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        for (int s = 0; s < 2; s++) {
            ck_assert_uint_eq(wires[i].side[s].seen.messages, MESSAGES);
            ck_assert(!wires[i].side[s].seen.damaged);
        }
        wire_deinit(&wires[i]);
    }
}
END_TEST

UNIT_MAIN("sctp: hub", ports_have_addresses_of_their_own,
          what_was_handed_is_unsent_until_it_leaves_or_is_dropped,
          packets_carry_the_port_of_sdp_and_a_checksum,
          associations_in_several_threads_do_not_disturb_each_other)
