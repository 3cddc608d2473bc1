/* Which requests follow on which. A line asks all servers first, then one of them from three
 * sockets in turn, so that each new mapping's port is seen beside the last; then all the rest at
 * once, of which no request opens what another one finds closed. */
#include "nat/nat.h"

/* Servers that have not answered by then, where another one has, are not waited for. */
#define SLOW_SERVER KITH_MS(500)

static const uint16_t sizes[KITH_NAT_SIZES] = {1500, 1492, 1480, 1472, 1460, 1448, 1440,
                                               1420, 1400, 1380, 1360, 1320, 1280, 1200};
/* In seconds; RFC 4787 section 4.3 demands 120 and recommends 300. */
static const uint16_t lifetimes[KITH_NAT_LIFETIMES] = {10,  20,  30,  45,  60,  90,
                                                       120, 180, 240, 300, 600, 900};

size_t kith_nat_size_at(unsigned index)
{
    return sizes[index];
}

kith_time kith_nat_lifetime_at(unsigned index)
{
    return KITH_SECONDS((kith_time)lifetimes[index]);
}

size_t kith_nat_head_of(uint8_t family)
{
    return (family == KITH_IPV6 ? 40 : 20) + 8;
}

static void enter(kith_nat_line *line, kith_nat_stage stage, kith_time now)
{
    line->stage = stage;
    line->stage_at = now;
}

static bool are_settled(const kith_nat_line *line, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (!kith_nat_test_is_settled(&line->tests[i]))
            return false;
    return true;
}

/* ---- all servers ---- */

static bool are_open(const kith_nat_line *line)
{
    for (unsigned i = 0; i < KITH_NAT_FIRST_SOCKETS; i++)
        if (line->sockets[i].state != KITH_NAT_SOCKET_OPEN &&
            line->sockets[i].state != KITH_NAT_SOCKET_FAILED)
            return false;
    return true;
}

static void ask_servers(kith_nat_line *line, kith_time now)
{
    const kith_nat_report *report = &line->probe->report;
    for (unsigned i = 0; i < report->server_count; i++)
        if (report->servers[i].address.family == line->local->address.family)
            kith_nat_test_start(line, KITH_NAT_TEST_REACH + i, KITH_NAT_SOCKET_MAPPING,
                                &report->servers[i].address, now);
    enter(line, KITH_NAT_REACHING, now);
}

/* What a server tells must not make us ask where it cannot be itself: our own machine, a neighbour,
 * a network behind our NAT. */
static bool may_be_asked(const kith_address *reported, const kith_address *server)
{
    return reported->family == server->family && reported->port != 0 &&
           !kith_address_is_any(reported) && !kith_address_is_multicast(reported) &&
           !kith_address_is_deprecated(reported) &&
           (!kith_address_is_loopback(reported) || kith_address_is_loopback(server)) &&
           (!kith_address_is_link_local(reported) || kith_address_is_link_local(server)) &&
           (!kith_address_is_private(reported) || kith_address_is_private(server));
}

static bool is_other(const kith_address *other, const kith_address *server)
{
    return other->port != server->port && !kith_address_same_ip(other, server) &&
           may_be_asked(other, server);
}

/* The first server that has another address, or else that answers. False: none does. */
static bool choose_server(kith_nat_line *line)
{
    for (unsigned i = 0; i < KITH_NAT_MAX_SERVERS; i++) {
        const kith_nat_test *test = &line->tests[KITH_NAT_TEST_REACH + i];
        if (!kith_nat_test_has_answer(test))
            continue;
        bool has_other = is_other(&test->other, &test->to);
        if (line->server.family == 0 || (has_other && line->other.family == 0))
            line->server = test->to;
        if (has_other && line->other.family == 0)
            line->other = test->other;
    }
    return line->server.family != 0;
}

static bool is_any_answered(const kith_nat_line *line)
{
    for (unsigned i = 0; i < KITH_NAT_MAX_SERVERS; i++)
        if (kith_nat_test_has_answer(&line->tests[KITH_NAT_TEST_REACH + i]))
            return true;
    return false;
}

kith_time kith_nat_line_slow_at(const kith_nat_line *line)
{
    return is_any_answered(line) ? line->stage_at + SLOW_SERVER : KITH_NEVER;
}

static void reach(kith_nat_line *line, kith_time now)
{
    if (!are_settled(line, KITH_NAT_TEST_REACH, KITH_NAT_TEST_PORT) &&
        now < kith_nat_line_slow_at(line))
        return;
    enter(line, choose_server(line) ? KITH_NAT_PORTS : KITH_NAT_DONE, now);
}

/* ---- one server ---- */

/* Each socket asks when the one before it has its answer: mappings are made in that order. */
static bool ask_from_each_socket(kith_nat_line *line, kith_time now)
{
    for (unsigned i = 0; i < 3; i++) {
        const kith_nat_test *test = &line->tests[KITH_NAT_TEST_PORT + i];
        if (test->state == KITH_NAT_TEST_NONE)
            test = kith_nat_test_start(line, KITH_NAT_TEST_PORT + i, KITH_NAT_SOCKET_FILTERING + i,
                                       &line->server, now);
        if (!kith_nat_test_is_settled(test))
            return false;
    }
    return true;
}

/* RFC 5780 sections 4.3 and 4.4. */
static void ask_about_behavior(kith_nat_line *line, kith_time now)
{
    kith_address other_ip = line->other;
    if (line->other.family == 0)
        return;
    other_ip.port = line->server.port;
    kith_nat_test_start(line, KITH_NAT_TEST_OTHER_IP, KITH_NAT_SOCKET_MAPPING, &other_ip, now);
    kith_nat_test_start(line, KITH_NAT_TEST_OTHER_BOTH, KITH_NAT_SOCKET_MAPPING, &line->other, now);
    kith_nat_test_start(line, KITH_NAT_TEST_FROM_BOTH, KITH_NAT_SOCKET_FILTERING, &line->server,
                        now)
        ->change = KITH_STUN_CHANGE_IP | KITH_STUN_CHANGE_PORT;
    kith_nat_test_start(line, KITH_NAT_TEST_FROM_PORT, KITH_NAT_SOCKET_FILTERING, &line->server,
                        now)
        ->change = KITH_STUN_CHANGE_PORT;
}

/* Two sockets ask each other by their mapped addresses (RFC 5780 section 3.4), both at once: what a
 * filter lets in went out before. Without a NAT that tells nothing. */
static void ask_around_the_hairpin(kith_nat_line *line, kith_time now)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned from = KITH_NAT_SOCKET_HAIRPIN + i, to = KITH_NAT_SOCKET_HAIRPIN + !i;
        const kith_nat_test *mine = &line->tests[KITH_NAT_TEST_PORT + 1 + i];
        const kith_nat_test *mapped = &line->tests[KITH_NAT_TEST_PORT + 1 + !i];
        if (!kith_nat_test_has_answer(mine) || !kith_nat_test_has_answer(mapped) ||
            !may_be_asked(&mapped->mapped, &line->server) ||
            kith_address_equal(&mapped->mapped, &line->sockets[to].local))
            continue;
        kith_nat_test *test =
            kith_nat_test_start(line, KITH_NAT_TEST_HAIRPIN + i, from, &mapped->mapped, now);
        test->is_hairpin = true;
        test->to_socket = to;
    }
}

static void ask_with_each_size(kith_nat_line *line, kith_time now)
{
    for (unsigned i = 0; i < KITH_NAT_SIZES; i++)
        kith_nat_test_start(line, KITH_NAT_TEST_SIZE + i, KITH_NAT_SOCKET_OTHER, &line->server, now)
            ->size = sizes[i];
}

static void begin_silences(kith_nat_line *line)
{
    for (unsigned i = 0; i < KITH_NAT_LIFETIMES; i++)
        if (kith_nat_lifetime_at(i) <= line->probe->lifetime)
            kith_nat_socket_want(&line->sockets[KITH_NAT_SOCKET_SILENT + i], &line->local->address);
}

static void ask_for_the_rest(kith_nat_line *line, kith_time now)
{
    ask_about_behavior(line, now);
    ask_around_the_hairpin(line, now);
    ask_with_each_size(line, now);
    begin_silences(line);
    enter(line, KITH_NAT_BEHAVIOR, now);
}

/* ---- how long a mapping lives ---- */

/* The same server is asked from another socket to answer to the mapping (RFC 5780 section 4.6),
 * once that was silent for its time. One that died tells of all longer silences. */
static bool ask_after_silence(kith_nat_line *line, unsigned i, kith_time now)
{
    unsigned socket = KITH_NAT_SOCKET_SILENT + i;
    kith_nat_test *made = &line->tests[KITH_NAT_TEST_MAKE + i];
    kith_nat_test *lives = &line->tests[KITH_NAT_TEST_LIVES + i];
    kith_nat_socket_state state = line->sockets[socket].state;
    if (state == KITH_NAT_SOCKET_WANTED || state == KITH_NAT_SOCKET_ASKED)
        return false;
    if (state == KITH_NAT_SOCKET_OPEN && made->state == KITH_NAT_TEST_NONE)
        kith_nat_test_start(line, KITH_NAT_TEST_MAKE + i, socket, &line->server, now);
    if (made->state == KITH_NAT_TEST_ANSWERED && lives->state == KITH_NAT_TEST_NONE) {
        kith_nat_test_start(line, KITH_NAT_TEST_LIVES + i, KITH_NAT_SOCKET_OTHER, &line->server,
                            now + kith_nat_lifetime_at(i));
        lives->to_socket = socket;
        lives->response_port = made->mapped.port;
    }
    return kith_nat_test_is_settled(made) && kith_nat_test_is_settled(lives);
}

static bool ask_after_silences(kith_nat_line *line, kith_time now)
{
    bool settled = true;
    for (unsigned i = 0; i < KITH_NAT_LIFETIMES; i++)
        settled &= ask_after_silence(line, i, now);
    for (unsigned i = 0; i < KITH_NAT_LIFETIMES; i++) {
        kith_nat_test_state state = line->tests[KITH_NAT_TEST_LIVES + i].state;
        if (state == KITH_NAT_TEST_SILENT || state == KITH_NAT_TEST_REFUSED)
            return true;
        if (state != KITH_NAT_TEST_ANSWERED)
            break;
    }
    return settled;
}

/* ---- the course ---- */

static void end(kith_nat_line *line)
{
    for (unsigned i = 0; i < KITH_NAT_TESTS; i++)
        if (line->tests[i].state == KITH_NAT_TEST_RUNNING)
            line->tests[i].state = KITH_NAT_TEST_NONE;
    for (unsigned i = 0; i < KITH_NAT_SOCKETS; i++)
        kith_nat_socket_drop(&line->sockets[i]);
}

void kith_nat_line_advance(kith_nat_line *line, kith_time now)
{
    if (line->stage == KITH_NAT_DONE)
        return;
    for (unsigned i = 0; i < KITH_NAT_TESTS; i++)
        kith_nat_test_tick(&line->tests[i], now);
    if (line->stage == KITH_NAT_OPENING && are_open(line) && kith_nat_names_are_known(line->probe))
        ask_servers(line, now);
    if (line->stage == KITH_NAT_REACHING)
        reach(line, now);
    if (line->stage == KITH_NAT_PORTS && ask_from_each_socket(line, now))
        ask_for_the_rest(line, now);
    /* Mappings that fall silent are begun at once, and all of them waited for at the end. */
    bool is_silent_long = line->stage >= KITH_NAT_BEHAVIOR && line->stage < KITH_NAT_DONE &&
                          ask_after_silences(line, now);
    if (line->stage == KITH_NAT_BEHAVIOR && are_settled(line, 0, KITH_NAT_TEST_MAKE))
        enter(line, KITH_NAT_LIFETIME, now);
    if (line->stage == KITH_NAT_LIFETIME && is_silent_long)
        enter(line, KITH_NAT_DONE, now);
    kith_nat_judge(line);
    if (line->stage == KITH_NAT_DONE)
        end(line);
}
