/* What must never happen: data from or to a peer that is not the one the description named, and
 * packets to one that does not consent any more. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "duo.h"

/* Changes the fingerprint's last digit in whatever `side` says. */
static void break_fingerprint(char *text)
{
    char *line = strstr(text, "a=fingerprint:");
    if (!line)
        return;
    char *end = strpbrk(line, "\r\n");
    end[-1] = end[-1] == '0' ? '1' : '0';
}

static void break_left(enum side from, char **text)
{
    if (from == LEFT)
        break_fingerprint(*text);
}

static void break_right(enum side from, char **text)
{
    if (from == RIGHT)
        break_fingerprint(*text);
}

static void check_wrong_fingerprint(void (*tamper)(enum side, char **), enum side deceived)
{
    duo d;
    duo_options options = {.seed = 5, .link = {.delay = KITH_MS(10)}, .tamper = tamper};
    ck_assert(duo_init(&d, &options));
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_has_failed, &d));
    world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert(d.peers[deceived].state == KITH_CONNECTION_STATE_FAILED);
    ck_assert_uint_eq(d.peers[LEFT].opened + d.peers[RIGHT].opened, 0);
    ck_assert_uint_eq(d.peers[LEFT].messages + d.peers[RIGHT].messages, 0);
    ck_assert_ptr_nonnull(strstr(kith_pc_why_failed(d.peers[deceived].pc), "fingerprint"));
    duo_deinit(&d);
}

/* The answerer is the DTLS client by default, so these are both roles. */
START_TEST(wrong_fingerprint_of_the_offerer_fails_the_connection)
{
    check_wrong_fingerprint(break_left, RIGHT);
}
END_TEST

START_TEST(wrong_fingerprint_of_the_answerer_fails_the_connection)
{
    check_wrong_fingerprint(break_right, LEFT);
}
END_TEST

static bool left_failed(void *arg)
{
    return ((duo *)arg)->peers[LEFT].state == KITH_CONNECTION_STATE_FAILED;
}

static bool left_disconnected(void *arg)
{
    return ((duo *)arg)->peers[LEFT].state == KITH_CONNECTION_STATE_DISCONNECTED;
}

/* RFC 7675 section 5.1: 30 s after the last answer nothing may be sent. */
START_TEST(nothing_is_sent_after_consent_is_lost)
{
    duo d;
    duo_options options = {.seed = 6, .link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    world_run(d.world, KITH_SECONDS(10), NULL, NULL);
    kith_time cut = virtual_now();
    d.peers[LEFT].host->deaf = true; /* one way: its packets still arrive */
    duo_send(&d, LEFT, 1, 100);
    ck_assert(world_run(d.world, KITH_SECONDS(60), left_failed, &d));
    kith_time lost = virtual_now() - cut;
    ck_assert_msg(lost <= KITH_SECONDS(30) && lost >= KITH_SECONDS(20),
                  "consent was lost after %lld us", (long long)lost);
    uint64_t sent = d.peers[LEFT].host->packets_sent;
    world_run(d.world, KITH_SECONDS(120), NULL, NULL);
    ck_assert_uint_eq(d.peers[LEFT].host->packets_sent, sent);
    duo_deinit(&d);
}
END_TEST

START_TEST(an_interruption_shorter_than_consent_is_survived)
{
    duo d;
    duo_options options = {.seed = 7, .link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = true;
    duo_send(&d, LEFT, 10, 1000);
    ck_assert(world_run(d.world, KITH_SECONDS(20), left_disconnected, &d));
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = false;
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_connected, &d));
    world_run(d.world, KITH_SECONDS(12), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 10);
    duo_deinit(&d);
}
END_TEST

/* A ClientHello, or anything else, from an address that passed no check is dropped unseen, at every
 * ms of set-up. */
static void spray(void *arg)
{
    static const uint8_t hello[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0};
    duo *d = arg;
    for (int i = LEFT; i <= RIGHT; i++) {
        host *h = d->peers[i].host;
        kith_packet_info info = {.size = sizeof info, .path = {.local = h->address}};
        ck_assert_int_eq(kith_address_parse(&info.path.remote, "203.0.113.66:6666"), KITH_OK);
        kith_endpoint_handle_packet(h->endpoint, virtual_now(), &info, hello, sizeof hello);
    }
    if (duo_elapsed(d) < KITH_MS(500))
        world_at(d->world, virtual_now() + KITH_MS(1), spray, d);
}

START_TEST(hellos_from_strangers_at_every_millisecond_change_nothing)
{
    duo d;
    duo_options options = {.seed = 8, .link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    spray(&d);
    duo_connect(&d);
    ck_assert(world_run(d.world, KITH_SECONDS(1), NULL, NULL));
    ck_assert(duo_is_connected(&d));
    ck_assert_uint_ge(kith_endpoint_get_counters(d.peers[LEFT].host->endpoint)->unknown_source,
                      400);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: security", wrong_fingerprint_of_the_offerer_fails_the_connection,
          wrong_fingerprint_of_the_answerer_fails_the_connection,
          nothing_is_sent_after_consent_is_lost, an_interruption_shorter_than_consent_is_survived,
          hellos_from_strangers_at_every_millisecond_change_nothing)
