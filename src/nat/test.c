/* One request of STUN, from its first sending to its answer or its end. An answer counts when it
 * has the transaction's number and comes from where it must, to the socket that it must come to. */
#include <string.h>

#include "crypto/random.h"
#include "nat/nat.h"

/* Shorter than RFC 8489 section 6.2.1 waits (39.5 s): silence is an answer to half of the questions
 * here. At 10 % loss each way one in 4000 is mistaken. */
static const kith_time sent_at[] = {0, KITH_MS(250), KITH_MS(500), KITH_MS(1000), KITH_MS(1500)};
#define TIMES_SENT (sizeof sent_at / sizeof sent_at[0])
#define GIVEN_UP   KITH_MS(2500)

/* What a server must not take notice of (RFC 8489 section 14: comprehension-optional), which
 * PADDING is not: unassigned, and kept for standards. */
#define FILLER_ATTRIBUTE 0xBFFF

/* ---- asking ---- */

kith_nat_test *kith_nat_test_start(kith_nat_line *line, unsigned index, unsigned socket,
                                   const kith_address *to, kith_time at)
{
    kith_nat_test *test = &line->tests[index];
    *test = (kith_nat_test){.state = KITH_NAT_TEST_RUNNING,
                            .from_socket = socket,
                            .to_socket = socket,
                            .to = *to,
                            .began_at = at,
                            .next_at = at};
    kith_random_bytes(test->id, sizeof test->id);
    if (line->sockets[socket].state != KITH_NAT_SOCKET_OPEN)
        test->state = KITH_NAT_TEST_SILENT;
    return test;
}

bool kith_nat_test_is_settled(const kith_nat_test *test)
{
    return test->state != KITH_NAT_TEST_RUNNING;
}

/* The message fills the IP packet; its head is there. */
static void put_filler(kith_writer *w, const kith_nat_test *test)
{
    static const uint8_t zeros[KITH_MAX_PACKET];
    size_t whole = test->size - kith_nat_head_of(test->to.family);
    if (whole > w->len + 4)
        kith_stun_put_span(w, FILLER_ATTRIBUTE, kith_span_of(zeros, (whole - w->len - 4) & ~3u));
}

size_t kith_nat_test_output(kith_nat_line *line, kith_nat_test *test, kith_time now,
                            kith_packet_info *info, kith_writer *w)
{
    if (test->state != KITH_NAT_TEST_RUNNING || test->next_at > now || test->sent == TIMES_SENT)
        return 0;
    if (test->sent == 0)
        test->began_at = now;
    test->sent++;
    test->next_at = test->began_at + (test->sent < TIMES_SENT ? sent_at[test->sent] : GIVEN_UP);
    kith_stun_begin(w, KITH_STUN_REQUEST, KITH_STUN_BINDING, test->id);
    if (test->change != 0)
        kith_stun_put_u32(w, KITH_STUN_ATTR_CHANGE_REQUEST, test->change);
    if (test->response_port != 0)
        kith_stun_put_u16_padded(w, KITH_STUN_ATTR_RESPONSE_PORT, test->response_port);
    if (test->has_nonce)
        kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_of(line->nonce, line->nonce_len));
    if (test->size != 0)
        put_filler(w, test);
    kith_stun_end(w);
    info->path = (kith_path){
        .local = line->sockets[test->from_socket].local, .remote = test->to, .protocol = KITH_UDP};
    info->dont_fragment = test->size != 0;
    return w->bad ? 0 : w->len;
}

void kith_nat_test_tick(kith_nat_test *test, kith_time now)
{
    if (test->state == KITH_NAT_TEST_RUNNING && test->sent == TIMES_SENT && test->next_at <= now)
        test->state = KITH_NAT_TEST_SILENT;
}

/* ---- answers ---- */

/* RFC 5780 section 4.4: an answer that should come from elsewhere and does not is of a server that
 * ignores the request, and tells nothing of filters. */
static bool comes_from_where_it_must(const kith_nat_test *test, const kith_address *from)
{
    bool same_ip = kith_address_same_ip(from, &test->to), same_port = from->port == test->to.port;
    return same_ip != ((test->change & KITH_STUN_CHANGE_IP) != 0) &&
           same_port != ((test->change & KITH_STUN_CHANGE_PORT) != 0);
}

/* RFC 8489 section 9.2.5: what must show that it is not sent in another's name is sent again with
 * the server's nonce. */
static bool takes_nonce(kith_nat_line *line, kith_nat_test *test, const kith_stun *m, kith_time now)
{
    if (test->has_nonce || m->nonce.len == 0 || m->nonce.len > sizeof line->nonce ||
        (m->error_code.code != 401 && m->error_code.code != 438))
        return false;
    memcpy(line->nonce, m->nonce.data, m->nonce.len);
    line->nonce_len = m->nonce.len;
    kith_random_bytes(test->id, sizeof test->id);
    test->has_nonce = true;
    test->sent = 0;
    test->next_at = now;
    return true;
}

static void take_answer(kith_nat_test *test, kith_time now, const kith_path *path,
                        const kith_stun *m)
{
    bool is_modern = kith_stun_has(m, KITH_STUN_HAS_XOR_MAPPED_ADDRESS);
    const kith_address *mapped = is_modern ? &m->xor_mapped_address : &m->mapped_address;
    if (mapped->family != path->local.family || mapped->port == 0 || kith_address_is_any(mapped))
        return;
    test->state = KITH_NAT_TEST_ANSWERED;
    test->mapped = *mapped;
    test->other = m->other_address;
    test->came_from = path->remote;
    test->round_trip = test->sent == 1 ? now - test->began_at : 0;
}

static kith_nat_test *find(kith_nat_line *line, const kith_stun *m)
{
    for (unsigned i = 0; i < KITH_NAT_TESTS; i++)
        if (line->tests[i].state == KITH_NAT_TEST_RUNNING && line->tests[i].sent > 0 &&
            memcmp(line->tests[i].id, m->id, sizeof m->id) == 0)
            return &line->tests[i];
    return NULL;
}

void kith_nat_line_input(kith_nat_line *line, kith_time now, const kith_path *path,
                         const kith_stun *m)
{
    kith_nat_test *test = find(line, m);
    if (!test || m->method != KITH_STUN_BINDING)
        return;
    bool is_here = kith_address_equal(&line->sockets[test->to_socket].local, &path->local);
    if (test->is_hairpin) {
        if (m->class == KITH_STUN_REQUEST && is_here)
            test->state = KITH_NAT_TEST_ANSWERED;
        return;
    }
    /* An error comes to who asked, from where it was asked. */
    bool is_reply = kith_address_equal(&path->remote, &test->to) &&
                    kith_address_equal(&line->sockets[test->from_socket].local, &path->local);
    if (m->class == KITH_STUN_ERROR && is_reply && !takes_nonce(line, test, m, now)) {
        test->state = KITH_NAT_TEST_REFUSED;
        test->error_code = m->error_code.code;
    }
    if (m->class == KITH_STUN_SUCCESS && is_here && m->unknown_count == 0 &&
        comes_from_where_it_must(test, &path->remote))
        take_answer(test, now, path, m);
}
