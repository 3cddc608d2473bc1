/* A probe from its making to its end, and what the driver sees of it: sockets and names that it
 * asks for, packets, time, the report. */
#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "nat/nat.h"

/* A name that has no address by then has none. */
#define NAMES_PATIENCE KITH_SECONDS(3)

/* In the first version of the header. */
#define FIRST_SERVER_SIZE (4 * sizeof(void *))

/* ---- making ---- */

/* Texts of the configuration live as long as the probe. */
static const char *keep_text(kith_nat_probe *probe, const char *text)
{
    char *copy = kith_strdup(text ? text : "");
    if (copy)
        probe->texts[probe->text_count++] = copy;
    return copy;
}

static kith_nat_target *add_target(kith_nat_probe *probe, const char *url)
{
    size_t index = probe->report.server_count++;
    probe->servers[index] = (kith_nat_server){.url = url, .error_text = ""};
    probe->targets[index] = (kith_nat_target){.server = &probe->servers[index]};
    return &probe->targets[index];
}

/* A name is one entry until it is known to have addresses of both families. */
static kith_err add_url(kith_nat_probe *probe, const kith_ice_server *server, const char *url,
                        const kith_ice_url *at)
{
    if (probe->report.server_count >= KITH_NAT_MAX_SERVERS / 2)
        return kith_fail(KITH_ERR_RANGE, "more than %d URLs of ICE servers",
                         KITH_NAT_MAX_SERVERS / 2);
    const char *kept = keep_text(probe, url), *username = keep_text(probe, server->username);
    const char *credential = keep_text(probe, server->credential);
    if (!kept || !username || !credential)
        return kith_fail_memory();
    kith_nat_target *target = add_target(probe, kept);
    target->url = *at;
    target->username = username;
    target->credential = credential;
    target->server->is_turn = at->is_turn;
    if (kith_address_parse_ip(&target->server->address, kith_span_text(at->host)))
        target->server->address.port = at->port;
    else
        target->wants_name = true;
    return KITH_OK;
}

static kith_err add_server(kith_nat_probe *probe, const kith_ice_server *server)
{
    if (server->url_count == 0 || !server->urls)
        return kith_fail(KITH_ERR_SYNTAX, "an ICE server has no URL");
    for (size_t i = 0; i < server->url_count; i++) {
        kith_ice_url url;
        kith_err err = kith_ice_url_check(&url, server, server->urls[i]);
        if (err == KITH_OK && url.transport != KITH_SERVER_UDP)
            err = kith_fail(KITH_ERR_NOT_SUPPORTED, "%.100s: a probe asks servers over UDP alone",
                            server->urls[i]);
        if (err == KITH_OK)
            err = add_url(probe, server, server->urls[i], &url);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

static kith_err add_servers(kith_nat_probe *probe, const kith_nat_config *config)
{
    const uint8_t *all = (const void *)config->ice_servers;
    if (config->ice_server_count > 0 && (!all || config->ice_server_size < FIRST_SERVER_SIZE ||
                                         config->ice_server_size % _Alignof(kith_ice_server) != 0))
        return kith_fail(KITH_ERR_TYPE, "ice_servers is NULL, or ice_server_size is not what "
                                        "KITH_NAT_CONFIG_INIT sets");
    for (size_t i = 0; i < config->ice_server_count; i++) {
        kith_ice_server server = {0};
        kith_err err =
            kith_config_read_element(&server, sizeof server, all + i * config->ice_server_size,
                                     config->ice_server_size, "kith_ice_server");
        if (err == KITH_OK)
            err = add_server(probe, &server);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

kith_err kith_nat_probe_new(kith_nat_probe **out, const kith_nat_config *cfg)
{
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    kith_err err = kith_config_read(&config, sizeof config, cfg, "KITH_NAT_CONFIG_INIT");
    if (err != KITH_OK)
        return err;
    if (config.lifetime < 0 || config.lifetime > KITH_NAT_MAX_LIFETIME)
        return kith_fail(KITH_ERR_RANGE, "a lifetime is looked for from 0 to 900 s");
    for (size_t i = 0; i < sizeof config.reserved / sizeof config.reserved[0]; i++)
        if (config.reserved[i])
            return kith_fail(KITH_ERR_NOT_SUPPORTED,
                             "a reserved field of the configuration is set");
    kith_nat_probe *probe = kith_alloc_zero(1, sizeof *probe);
    if (!probe)
        return kith_fail_memory();
    probe->lifetime = config.lifetime;
    probe->awaits_multicast_dns = config.multicast_dns;
    probe->report.locals = probe->locals;
    probe->report.servers = probe->servers;
    probe->texts = kith_alloc_zero(3 * KITH_NAT_MAX_SERVERS, sizeof *probe->texts);
    err = probe->texts ? add_servers(probe, &config) : kith_fail_memory();
    if (err != KITH_OK) {
        kith_nat_probe_free(probe);
        return err;
    }
    *out = probe;
    return KITH_OK;
}

void kith_nat_probe_free(kith_nat_probe *probe)
{
    if (!probe)
        return;
    for (size_t i = 0; i < probe->report.local_count; i++)
        kith_free(probe->lines[i]);
    for (size_t i = 0; i < probe->report.server_count; i++) {
        kith_nat_relay_free(&probe->targets[i]);
        kith_free(probe->targets[i].error_text);
    }
    for (size_t i = 0; i < probe->text_count; i++)
        kith_free_secret(probe->texts[i]);
    kith_free(probe->texts);
    kith_free(probe);
}

/* ---- local addresses ---- */

kith_err kith_nat_probe_add_local(kith_nat_probe *probe, const kith_address *local)
{
    size_t count = probe->report.local_count;
    kith_address alone = *local;
    alone.port = 0;
    for (size_t i = 0; i < count; i++)
        if (kith_address_equal(&probe->locals[i].address, &alone))
            return kith_fail(KITH_ERR_INVALID_STATE, "the address is there already");
    if (count == KITH_NAT_MAX_LOCALS)
        return kith_fail(KITH_ERR_RANGE, "more than %d local addresses", KITH_NAT_MAX_LOCALS);
    kith_nat_line *line = kith_alloc_zero(1, sizeof *line);
    if (!line)
        return kith_fail_memory();
    line->probe = probe;
    line->local = &probe->locals[count];
    *line->local = (kith_nat_local){.address = alone};
    for (unsigned i = 0; i < KITH_NAT_FIRST_SOCKETS; i++)
        kith_nat_socket_want(&line->sockets[i], &alone);
    probe->lines[count] = line;
    probe->report.local_count++;
    return KITH_OK;
}

/* ---- sockets ---- */

void kith_nat_socket_want(kith_nat_socket *socket, const kith_address *local)
{
    *socket = (kith_nat_socket){.state = KITH_NAT_SOCKET_WANTED, .local = *local};
}

void kith_nat_socket_drop(kith_nat_socket *socket)
{
    socket->state =
        socket->state == KITH_NAT_SOCKET_OPEN ? KITH_NAT_SOCKET_UNWANTED : KITH_NAT_SOCKET_NONE;
}

/* Every socket, one after the other: the lines', then those of the trials. NULL: there are no
 * more. */
static kith_nat_socket *socket_at(kith_nat_probe *probe, size_t index)
{
    size_t of_lines = probe->report.local_count * KITH_NAT_SOCKETS;
    if (index < of_lines)
        return &probe->lines[index / KITH_NAT_SOCKETS]->sockets[index % KITH_NAT_SOCKETS];
    index -= of_lines;
    return index < probe->report.server_count ? &probe->targets[index].socket : NULL;
}

static bool serve_socket(kith_nat_probe *probe, kith_nat_socket *socket)
{
    kith_request *request = &probe->request;
    if (socket->state == KITH_NAT_SOCKET_WANTED) {
        socket->request_id = ++probe->last_request;
        socket->state = KITH_NAT_SOCKET_ASKED;
        *request = (kith_request){
            .type = KITH_REQUEST_OPEN, .id = socket->request_id, .local = socket->local};
    } else {
        socket->state = KITH_NAT_SOCKET_NONE;
        *request = (kith_request){.type = KITH_REQUEST_CLOSE, .local = socket->local};
    }
    return true;
}

static bool needs_driver(const kith_nat_socket *socket)
{
    return socket->state == KITH_NAT_SOCKET_WANTED || socket->state == KITH_NAT_SOCKET_UNWANTED;
}

const kith_request *kith_nat_probe_poll_request(kith_nat_probe *probe)
{
    kith_nat_socket *socket;
    for (size_t i = 0; (socket = socket_at(probe, i)); i++)
        if (needs_driver(socket) && serve_socket(probe, socket))
            return &probe->request;
    for (size_t i = 0; i < probe->report.server_count; i++) {
        kith_nat_target *target = &probe->targets[i];
        if (!target->wants_name)
            continue;
        target->wants_name = false;
        target->request_id = ++probe->last_request;
        probe->request = (kith_request){
            .type = KITH_REQUEST_RESOLVE, .id = target->request_id, .hostname = target->url.host};
        return &probe->request;
    }
    return NULL;
}

/* ---- names ---- */

bool kith_nat_names_are_known(const kith_nat_probe *probe)
{
    for (size_t i = 0; i < probe->report.server_count; i++)
        if (probe->targets[i].wants_name || probe->targets[i].request_id != 0)
            return false;
    return true;
}

static void give_up_name(kith_nat_target *target)
{
    target->wants_name = false;
    target->request_id = 0;
    target->server->answers = KITH_NAT_NO;
    kith_nat_target_fail(target, KITH_TURN_UNREACHABLE, "the server's name could not be resolved");
}

/* The first address of each family; the second one is an entry of its own. */
static void take_addresses(kith_nat_probe *probe, kith_nat_target *target,
                           const kith_address *addresses, size_t count)
{
    kith_nat_target copy = *target;
    kith_nat_target *next = target;
    bool has[2] = {false, false};
    for (size_t i = 0; i < count; i++) {
        bool *seen = &has[addresses[i].family == KITH_IPV6];
        if (*seen)
            continue;
        *seen = true;
        if (!next) {
            next = add_target(probe, copy.server->url);
            next->server->is_turn = copy.url.is_turn;
            next->url = copy.url;
            next->username = copy.username;
            next->credential = copy.credential;
        }
        next->server->address = addresses[i];
        next->server->address.port = copy.url.port;
        next = NULL;
    }
}

void kith_nat_probe_handle_resolved(kith_nat_probe *probe, kith_time now, uint64_t id,
                                    const kith_address *addresses, size_t count)
{
    for (size_t i = 0; i < probe->report.server_count; i++) {
        kith_nat_target *target = &probe->targets[i];
        if (target->request_id == 0 || target->request_id != id)
            continue;
        target->request_id = 0;
        if (count == 0)
            give_up_name(target);
        else
            take_addresses(probe, target, addresses, count);
        break;
    }
    kith_nat_probe_handle_timeout(probe, now);
}

static void advance_names(kith_nat_probe *probe, kith_time now)
{
    if (probe->names_until == 0)
        probe->names_until = now + NAMES_PATIENCE;
    for (size_t i = 0; now >= probe->names_until && i < probe->report.server_count; i++)
        if (probe->targets[i].wants_name || probe->targets[i].request_id != 0)
            give_up_name(&probe->targets[i]);
}

/* ---- relays ---- */

/* From the first local address of its family that reaches any server, or from the first one when
 * all of them are done. NULL: not yet, or never. */
static const kith_nat_line *line_for(const kith_nat_probe *probe, const kith_nat_target *target)
{
    const kith_nat_line *first = NULL;
    bool done = true;
    for (size_t i = 0; i < probe->report.local_count; i++) {
        const kith_nat_line *line = probe->lines[i];
        if (line->local->address.family != target->server->address.family)
            continue;
        if (line->stage >= KITH_NAT_BEHAVIOR && line->local->udp == KITH_NAT_YES)
            return line;
        first = first ? first : line;
        done &= line->stage == KITH_NAT_DONE;
    }
    return done ? first : NULL;
}

static void advance_relays(kith_nat_probe *probe, kith_time now)
{
    for (size_t i = 0; i < probe->report.server_count; i++) {
        kith_nat_target *target = &probe->targets[i];
        if (target->server->is_turn && !target->is_tried) {
            const kith_nat_line *line = line_for(probe, target);
            if (line)
                kith_nat_relay_start(target, &line->local->address);
        }
        kith_nat_relay_advance(target, now);
    }
}

/* ---- time ---- */

/* Without a local address of its family a server is not asked. */
static bool is_complete(const kith_nat_probe *probe)
{
    if (!kith_nat_names_are_known(probe) || probe->awaits_multicast_dns)
        return false;
    for (size_t i = 0; i < probe->report.local_count; i++)
        if (probe->lines[i]->stage != KITH_NAT_DONE)
            return false;
    for (size_t i = 0; i < probe->report.server_count; i++)
        if (probe->targets[i].turn)
            return false;
    return true;
}

void kith_nat_probe_handle_timeout(kith_nat_probe *probe, kith_time now)
{
    advance_names(probe, now);
    for (size_t i = 0; i < probe->report.local_count; i++)
        kith_nat_line_advance(probe->lines[i], now);
    advance_relays(probe, now);
}

static kith_time earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

static kith_time line_deadline(const kith_nat_line *line)
{
    kith_time next = KITH_NEVER;
    for (unsigned i = 0; i < KITH_NAT_TESTS; i++)
        if (line->tests[i].state == KITH_NAT_TEST_RUNNING)
            next = earlier(next, line->tests[i].next_at);
    if (line->stage == KITH_NAT_REACHING)
        next = earlier(next, kith_nat_line_slow_at(line));
    return next;
}

kith_time kith_nat_probe_timeout(const kith_nat_probe *probe)
{
    kith_nat_probe *all = (kith_nat_probe *)(uintptr_t)probe;
    kith_time next = kith_nat_names_are_known(probe) ? KITH_NEVER : probe->names_until;
    const kith_nat_socket *socket;
    for (size_t i = 0; (socket = socket_at(all, i)); i++)
        if (needs_driver(socket))
            return 0;
    for (size_t i = 0; i < probe->report.local_count; i++)
        next = earlier(next, line_deadline(probe->lines[i]));
    for (size_t i = 0; i < probe->report.server_count; i++) {
        if (probe->targets[i].wants_name)
            return 0;
        next = earlier(next, kith_nat_relay_deadline(&probe->targets[i]));
    }
    return next;
}

bool kith_nat_probe_handle_opened(kith_nat_probe *probe, kith_time now, uint64_t id,
                                  const kith_address *bound)
{
    kith_nat_socket *socket;
    for (size_t i = 0; (socket = socket_at(probe, i)); i++) {
        if (socket->state != KITH_NAT_SOCKET_ASKED || socket->request_id != id)
            continue;
        socket->state = bound ? KITH_NAT_SOCKET_OPEN : KITH_NAT_SOCKET_FAILED;
        if (bound)
            socket->local = *bound;
        kith_nat_probe_handle_timeout(probe, now);
        return true;
    }
    return false;
}

/* ---- packets ---- */

static bool is_at(const kith_nat_socket *socket, const kith_address *local)
{
    return socket->state == KITH_NAT_SOCKET_OPEN && kith_address_equal(&socket->local, local);
}

void kith_nat_probe_handle_packet(kith_nat_probe *probe, kith_time now,
                                  const kith_packet_info *info, const void *data, size_t len)
{
    kith_stun m;
    const kith_path *path = &info->path;
    if (!kith_stun_parse(&m, data, len))
        return;
    for (size_t i = 0; i < probe->report.server_count; i++) {
        kith_nat_target *target = &probe->targets[i];
        if (target->turn && is_at(&target->socket, &path->local) &&
            kith_address_equal(&path->remote, kith_turn_server(target->turn)))
            kith_nat_relay_input(target, now, &m);
    }
    for (size_t i = 0; i < probe->report.local_count; i++)
        if (kith_address_same_ip(&probe->locals[i].address, &path->local))
            kith_nat_line_input(probe->lines[i], now, path, &m);
    kith_nat_probe_handle_timeout(probe, now);
}

static size_t line_output(kith_nat_line *line, kith_time now, kith_packet_info *info,
                          kith_writer *w)
{
    size_t len = 0;
    for (unsigned i = 0; i < KITH_NAT_TESTS && len == 0; i++)
        len = kith_nat_test_output(line, &line->tests[i], now, info, w);
    return len;
}

size_t kith_nat_probe_poll_packet(kith_nat_probe *probe, kith_time now, kith_packet_info *info,
                                  void *buf, size_t cap)
{
    kith_packet_info out = KITH_PACKET_INFO_INIT;
    kith_writer w = kith_wr(buf, cap);
    size_t size = info->size, len = 0;
    assert(size >= sizeof out && cap >= KITH_MAX_PACKET);
    for (size_t i = 0; i < probe->report.local_count && len == 0; i++)
        len = line_output(probe->lines[i], now, &out, &w);
    for (size_t i = 0; i < probe->report.server_count && len == 0; i++)
        len = kith_nat_relay_output(&probe->targets[i], now, &out, &w);
    *info = out;
    info->size = size;
    return len;
}

bool kith_nat_probe_awaits_multicast_dns(const kith_nat_probe *probe)
{
    return probe->awaits_multicast_dns;
}

void kith_nat_probe_handle_multicast_dns(kith_nat_probe *probe, kith_nat_answer works)
{
    probe->awaits_multicast_dns = false;
    probe->report.multicast_dns = works;
}

const kith_nat_report *kith_nat_probe_report(kith_nat_probe *probe)
{
    probe->report.is_complete = is_complete(probe);
    return &probe->report;
}
