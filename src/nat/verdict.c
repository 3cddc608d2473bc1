/* From answers to what RFC 4787 calls it. Nothing is kept here: a verdict is a function of the
 * tests, and what they do not tell stays unknown. */
#include <stdlib.h>

#include "nat/nat.h"

/* Steps of NATs that count; what is further apart is chance. */
#define MAX_STEP 16

static const kith_nat_test *at(const kith_nat_line *line, unsigned index)
{
    return &line->tests[index];
}

/* ---- mapping ---- */

/* The tests of the mapping socket that were answered, one after the other; NULL at the end. */
static const kith_nat_test *next_mapped(const kith_nat_line *line, unsigned *index)
{
    for (; *index < KITH_NAT_TESTS; (*index)++) {
        bool is_one = *index < KITH_NAT_TEST_PORT || *index == KITH_NAT_TEST_OTHER_IP ||
                      *index == KITH_NAT_TEST_OTHER_BOTH;
        if (is_one && kith_nat_test_has_answer(at(line, *index)))
            return at(line, (*index)++);
    }
    return NULL;
}

/* RFC 4787 section 4.1, of what each pair of servers saw. That mappings are one for two IP
 * addresses tells that they do not depend on it; two ports of one IP address tell whether they
 * depend on that.
 */
static kith_nat_behavior judge_mapping(const kith_nat_line *line)
{
    bool same_for_ips = false, depends = false, depends_on_port = false, same_for_ports = false;
    const kith_nat_test *a, *b;
    for (unsigned i = 0; (a = next_mapped(line, &i));) {
        unsigned k = i;
        while ((b = next_mapped(line, &k))) {
            bool same_ip = kith_address_same_ip(&a->to, &b->to);
            bool same = kith_address_equal(&a->mapped, &b->mapped);
            depends |= !same;
            same_for_ips |= same && !same_ip;
            depends_on_port |= !same && same_ip && a->to.port != b->to.port;
            same_for_ports |= same && same_ip && a->to.port != b->to.port;
        }
    }
    if (depends_on_port)
        return KITH_NAT_ADDRESS_AND_PORT_DEPENDENT;
    if (depends)
        return same_for_ports ? KITH_NAT_ADDRESS_DEPENDENT : KITH_NAT_ENDPOINT_DEPENDENT;
    return same_for_ips ? KITH_NAT_ENDPOINT_INDEPENDENT : KITH_NAT_BEHAVIOR_UNKNOWN;
}

/* ---- filtering ---- */

/* RFC 5780 section 4.4. Silence counts where the server's other address is known to speak: it
 * answers who asks it. */
static kith_nat_behavior judge_filtering(const kith_nat_line *line)
{
    const kith_nat_test *both = at(line, KITH_NAT_TEST_FROM_BOTH);
    const kith_nat_test *port = at(line, KITH_NAT_TEST_FROM_PORT);
    bool other_speaks = kith_nat_test_has_answer(at(line, KITH_NAT_TEST_OTHER_BOTH));
    if (kith_nat_test_has_answer(both))
        return KITH_NAT_ENDPOINT_INDEPENDENT;
    if (both->state != KITH_NAT_TEST_SILENT || !other_speaks)
        return KITH_NAT_BEHAVIOR_UNKNOWN;
    if (kith_nat_test_has_answer(port))
        return KITH_NAT_ADDRESS_DEPENDENT;
    return port->state == KITH_NAT_TEST_SILENT ? KITH_NAT_ADDRESS_AND_PORT_DEPENDENT
                                               : KITH_NAT_BEHAVIOR_UNKNOWN;
}

/* ---- ports and addresses ---- */

static kith_nat_answer answer_of(bool yes)
{
    return yes ? KITH_NAT_YES : KITH_NAT_NO;
}

/* Three sockets in the order of their mappings. */
static void judge_ports(const kith_nat_line *line, kith_nat_local *out)
{
    bool preserved = true, paired = true;
    int port[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        const kith_nat_test *test = at(line, KITH_NAT_TEST_PORT + i);
        if (!kith_nat_test_has_answer(test))
            return;
        preserved &= test->mapped.port == line->sockets[test->from_socket].local.port;
        paired &= kith_address_same_ip(&test->mapped, &out->mapped);
        port[i] = test->mapped.port;
    }
    int step = port[1] - port[0];
    out->port_preservation = answer_of(preserved);
    out->is_paired = answer_of(paired);
    if (!preserved && step == port[2] - port[1] && abs(step) <= MAX_STEP)
        out->port_step = step;
}

static void judge_hairpin(const kith_nat_line *line, kith_nat_local *out)
{
    const kith_nat_test *one = at(line, KITH_NAT_TEST_HAIRPIN);
    const kith_nat_test *two = at(line, KITH_NAT_TEST_HAIRPIN + 1);
    if (kith_nat_test_has_answer(one) || kith_nat_test_has_answer(two))
        out->hairpin = KITH_NAT_YES;
    else if (one->state == KITH_NAT_TEST_SILENT && two->state == KITH_NAT_TEST_SILENT)
        out->hairpin = KITH_NAT_NO;
}

static void judge_path_mtu(const kith_nat_line *line, kith_nat_local *out)
{
    for (unsigned i = 0; i < KITH_NAT_SIZES && out->path_mtu == 0; i++)
        if (kith_nat_test_has_answer(at(line, KITH_NAT_TEST_SIZE + i)))
            out->path_mtu = kith_nat_size_at(i);
}

static void judge_lifetime(const kith_nat_line *line, kith_nat_local *out)
{
    for (unsigned i = 0; i < KITH_NAT_LIFETIMES && out->lifetime_max == 0; i++) {
        const kith_nat_test *test = at(line, KITH_NAT_TEST_LIVES + i);
        if (kith_nat_test_has_answer(test))
            out->lifetime_min = kith_nat_lifetime_at(i);
        else if (test->state == KITH_NAT_TEST_SILENT)
            out->lifetime_max = kith_nat_lifetime_at(i);
    }
}

/* ---- servers ---- */

static void judge_round_trip(const kith_nat_line *line, kith_nat_server *server)
{
    for (unsigned i = 0; i < KITH_NAT_TEST_SIZE; i++) {
        const kith_nat_test *test = at(line, i);
        if (kith_nat_test_has_answer(test) && !test->is_hairpin && test->round_trip > 0 &&
            kith_address_equal(&test->to, &server->address) &&
            (server->round_trip == 0 || test->round_trip < server->round_trip))
            server->round_trip = test->round_trip;
    }
}

/* Another local address may have reached it: that counts. */
static void judge_server(const kith_nat_test *test, kith_nat_target *target)
{
    kith_nat_server *server = target->server;
    if (kith_nat_test_has_answer(test)) {
        server->answers = KITH_NAT_YES;
        server->has_other_address |= test->other.family != 0;
    } else if (server->answers == KITH_NAT_UNKNOWN &&
               (test->state == KITH_NAT_TEST_SILENT || test->state == KITH_NAT_TEST_REFUSED)) {
        server->answers = KITH_NAT_NO;
        server->error_code = test->error_code;
        server->error_text = test->error_code != 0 ? kith_stun_reason(test->error_code) : "";
    }
}

/* RFC 8489: any answer, an error too, shows that UDP passes. */
static kith_nat_answer judge_udp(const kith_nat_line *line)
{
    bool silent = false;
    for (unsigned i = 0; i < KITH_NAT_MAX_SERVERS; i++) {
        const kith_nat_test *test = at(line, KITH_NAT_TEST_REACH + i);
        if (kith_nat_test_has_answer(test) || test->state == KITH_NAT_TEST_REFUSED)
            return KITH_NAT_YES;
        silent |= test->state == KITH_NAT_TEST_SILENT;
    }
    bool could_ask = line->sockets[KITH_NAT_SOCKET_MAPPING].state == KITH_NAT_SOCKET_OPEN;
    return silent && could_ask && line->stage == KITH_NAT_DONE ? KITH_NAT_NO : KITH_NAT_UNKNOWN;
}

/* ---- all of it ---- */

static kith_nat_kind cone_of(kith_nat_behavior filtering)
{
    switch (filtering) {
    case KITH_NAT_ENDPOINT_INDEPENDENT:
        return KITH_NAT_KIND_FULL_CONE;
    case KITH_NAT_ADDRESS_DEPENDENT:
        return KITH_NAT_KIND_RESTRICTED_CONE;
    case KITH_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return KITH_NAT_KIND_PORT_RESTRICTED_CONE;
    case KITH_NAT_BEHAVIOR_UNKNOWN:
    case KITH_NAT_ENDPOINT_DEPENDENT:
        break;
    }
    return KITH_NAT_KIND_CONE;
}

static kith_nat_kind kind_of(const kith_nat_local *local)
{
    if (local->udp == KITH_NAT_NO)
        return KITH_NAT_KIND_NO_UDP;
    if (local->is_translated == KITH_NAT_UNKNOWN)
        return KITH_NAT_KIND_UNKNOWN;
    if (local->is_translated == KITH_NAT_NO) {
        if (local->filtering == KITH_NAT_BEHAVIOR_UNKNOWN)
            return KITH_NAT_KIND_PUBLIC;
        return local->filtering == KITH_NAT_ENDPOINT_INDEPENDENT ? KITH_NAT_KIND_OPEN
                                                                 : KITH_NAT_KIND_FIREWALL;
    }
    if (local->mapping == KITH_NAT_BEHAVIOR_UNKNOWN)
        return KITH_NAT_KIND_NAT;
    return local->mapping == KITH_NAT_ENDPOINT_INDEPENDENT ? cone_of(local->filtering)
                                                           : KITH_NAT_KIND_SYMMETRIC;
}

static const kith_nat_test *first_answer(const kith_nat_line *line)
{
    unsigned index = 0;
    const kith_nat_test *test = next_mapped(line, &index);
    return index <= KITH_NAT_TEST_PORT ? test : NULL;
}

void kith_nat_judge(kith_nat_line *line)
{
    kith_nat_probe *probe = line->probe;
    const kith_nat_test *first = first_answer(line);
    kith_nat_local local = {.address = line->local->address, .udp = judge_udp(line)};
    for (unsigned i = 0; i < probe->report.server_count; i++) {
        judge_server(at(line, KITH_NAT_TEST_REACH + i), &probe->targets[i]);
        judge_round_trip(line, &probe->servers[i]);
    }
    if (first) {
        local.socket = line->sockets[KITH_NAT_SOCKET_MAPPING].local;
        local.mapped = first->mapped;
        local.is_translated = answer_of(!kith_address_equal(&local.mapped, &local.socket));
    }
    local.mapping = judge_mapping(line);
    local.filtering = judge_filtering(line);
    judge_ports(line, &local);
    judge_hairpin(line, &local);
    judge_path_mtu(line, &local);
    judge_lifetime(line, &local);
    local.kind = kind_of(&local);
    *line->local = local;
}

/* ---- words ---- */

const char *kith_nat_behavior_name(kith_nat_behavior behavior)
{
    switch (behavior) {
    case KITH_NAT_ENDPOINT_INDEPENDENT:
        return "endpoint-independent";
    case KITH_NAT_ADDRESS_DEPENDENT:
        return "address-dependent";
    case KITH_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return "address-and-port-dependent";
    case KITH_NAT_ENDPOINT_DEPENDENT:
        return "endpoint-dependent";
    case KITH_NAT_BEHAVIOR_UNKNOWN:
        break;
    }
    return "unknown";
}

/* By kith_nat_kind: its name, and what it means. */
static const struct {
    const char *name, *text;
} kinds[] = {
    [KITH_NAT_KIND_UNKNOWN] = {"unknown", "No server told how this address is seen from outside."},
    [KITH_NAT_KIND_NO_UDP] =
        {"no-udp", "No server answers by UDP: it is blocked, or the servers are down. If it is "
                   "blocked, only peers of this network are reached directly, and all others need "
                   "a TURN server by TCP or TLS."},
    [KITH_NAT_KIND_PUBLIC] =
        {"public", "There is no NAT. Whether a firewall keeps out who was not written to first is "
                   "not known; peers with a STUN server reach each other either way, unless theirs "
                   "is a symmetric NAT and here is such a firewall."},
    [KITH_NAT_KIND_OPEN] = {"open", "There is neither NAT nor firewall: every peer is reached "
                                    "directly that may use UDP."},
    [KITH_NAT_KIND_FIREWALL] =
        {"firewall", "There is no NAT, and a firewall lets in who was written to first: every peer "
                     "is reached directly that may use UDP, but behind a symmetric NAT only if "
                     "the firewall heeds addresses and not ports."},
    [KITH_NAT_KIND_CONE] =
        {"cone", "A NAT with one mapping for all peers: with a STUN server all peers are reached "
                 "directly but, perhaps, those behind a symmetric NAT, which need a TURN server."},
    [KITH_NAT_KIND_FULL_CONE] =
        {"full-cone", "A NAT that lets everybody in once a mapping is there: with a STUN server "
                      "every peer is reached directly that may use UDP."},
    [KITH_NAT_KIND_RESTRICTED_CONE] =
        {"restricted-cone", "A NAT that lets in the addresses that were written to: with a STUN "
                            "server every peer is reached directly that may use UDP."},
    [KITH_NAT_KIND_PORT_RESTRICTED_CONE] =
        {"port-restricted-cone", "A NAT that lets in the addresses and ports that were written to: "
                                 "with a STUN server all peers are reached directly but those "
                                 "behind a symmetric NAT, which need a TURN server."},
    [KITH_NAT_KIND_SYMMETRIC] =
        {"symmetric", "A NAT with another mapping for each peer: with a STUN server those peers "
                      "are reached directly whose NAT or firewall, if they have one, heeds no "
                      "ports; all others need a TURN server."},
    [KITH_NAT_KIND_NAT] = {"nat", "There is a NAT, of which the servers tell no more: to know how "
                                  "it maps takes two servers on different addresses, or one of "
                                  "RFC 5780."},
};

const char *kith_nat_kind_name(kith_nat_kind kind)
{
    return (size_t)kind < sizeof kinds / sizeof kinds[0] ? kinds[kind].name : "unknown";
}

const char *kith_nat_kind_text(kith_nat_kind kind)
{
    return (size_t)kind < sizeof kinds / sizeof kinds[0] ? kinds[kind].text : "";
}
