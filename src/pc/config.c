/* RTCConfiguration: checked, copied, compared (webrtc-pc section 4.2.1 and 4.4.1.6 "set a
 * configuration"). */
#include <assert.h>
#include <string.h>

#include "base/address.h"
#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/pc.h"
#include "pc/relays.h"

#define DEFAULT_MAX_CHANNELS     256
#define MAX_CHANNELS             65534 /* stream 65535 does not exist (RFC 8831 section 6.5) */
#define DEFAULT_MAX_MESSAGE_SIZE ((size_t)262144)
#define DEFAULT_RECEIVE_BUFFER   ((size_t)1024 * 1024)
#define DEFAULT_SEND_BUFFER      ((size_t)16 * 1024 * 1024)
/* What can be said and kept in 32 bits everywhere. */
#define MAX_BYTES ((size_t)INT32_MAX)

/* In the first version of the header. */
#define FIRST_SERVER_SIZE (4 * sizeof(void *))

#define ICE_TCP_ALL (KITH_ICE_TCP_ACTIVE | KITH_ICE_TCP_PASSIVE)

/* ---- ICE server URLs ---- */

/* The struct as this version knows it, whatever the caller's header said. */
static kith_err read_server(kith_ice_server *out, const kith_pc_config *config, size_t i)
{
    const uint8_t *all = (const void *)config->ice_servers;
    *out = (kith_ice_server){0};
    return kith_config_read_element(out, sizeof *out, all + i * config->ice_server_size,
                                    config->ice_server_size, "kith_ice_server");
}

/* The same of a configuration that was taken. */
static kith_ice_server server_at(const kith_pc_config *config, size_t i)
{
    kith_ice_server server;
    kith_err err = read_server(&server, config, i);
    assert(err == KITH_OK);
    return server;
}

bool kith_config_server_url(const kith_pc *pc, size_t index, kith_server_url *out)
{
    for (size_t i = 0; i < pc->config.ice_server_count; i++) {
        kith_ice_server server = server_at(&pc->config, i);
        if (index >= server.url_count) {
            index -= server.url_count;
            continue;
        }
        *out = (kith_server_url){.url = server.urls[index],
                                 .username = server.username,
                                 .credential = server.credential};
        return kith_ice_url_parse(&out->at, out->url) == KITH_OK;
    }
    return false;
}

/* ---- checking ---- */

static kith_err check_servers(const kith_pc_config *config)
{
    if (config->ice_server_count > 0 && !config->ice_servers)
        return kith_fail(KITH_ERR_TYPE, "ice_servers is NULL and its count is not 0");
    if (config->ice_server_count > 0 && (config->ice_server_size < FIRST_SERVER_SIZE ||
                                         config->ice_server_size % _Alignof(kith_ice_server) != 0))
        return kith_fail(KITH_ERR_TYPE, "ice_server_size is not what KITH_PC_CONFIG_INIT sets");
    for (size_t i = 0; i < config->ice_server_count; i++) {
        kith_ice_server server;
        kith_err err = read_server(&server, config, i);
        if (err != KITH_OK)
            return err;
        if (server.url_count == 0 || !server.urls)
            return kith_fail(KITH_ERR_SYNTAX, "ICE server %zu has no URL", i);
        for (size_t n = 0; n < server.url_count; n++) {
            kith_ice_url url;
            err = kith_ice_url_check(&url, &server, server.urls[n]);
            if (err != KITH_OK)
                return err;
        }
    }
    return KITH_OK;
}

/* webrtc-pc section 4.4.1.1 step 4. */
static kith_err check_certificates(const kith_pc *pc, const kith_pc_config *config)
{
    if (config->certificate_count > 0 && !config->certificates)
        return kith_fail(KITH_ERR_TYPE, "certificates is NULL and its count is not 0");
    for (size_t i = 0; i < config->certificate_count; i++) {
        const kith_certificate *certificate = config->certificates[i];
        if (!certificate)
            return kith_fail(KITH_ERR_TYPE, "certificate %zu is NULL", i);
        if (kith_certificate_expires(certificate) <= kith_pc_unix_seconds(pc))
            return kith_fail(KITH_ERR_INVALID_ACCESS, "certificate %zu has expired", i);
    }
    return KITH_OK;
}

static kith_err check_ice_tcp(unsigned kinds)
{
    if (kinds != KITH_ICE_TCP_NONE && (kinds & ~(unsigned)ICE_TCP_ALL) != 0)
        return kith_fail(KITH_ERR_TYPE, "ice_tcp is none of its enumerators, nor of them together");
    return KITH_OK;
}

static kith_err check_values(const kith_pc_config *config)
{
    if ((unsigned)config->ice_transport_policy > KITH_ICE_TRANSPORT_POLICY_RELAY ||
        (unsigned)config->bundle_policy > KITH_BUNDLE_POLICY_MAX_BUNDLE ||
        (unsigned)config->rtcp_mux_policy > KITH_RTCP_MUX_POLICY_REQUIRE)
        return kith_fail(KITH_ERR_TYPE, "a policy of the configuration is none of its enumerators");
    if (config->bundle_policy == KITH_BUNDLE_POLICY_MAX_COMPAT)
        return kith_fail(KITH_ERR_NOT_SUPPORTED,
                         "max-compat needs a transport for each section; kith has one for all");
    if (config->max_channels > MAX_CHANNELS)
        return kith_fail(KITH_ERR_RANGE, "max_channels is %u; at most %d",
                         (unsigned)config->max_channels, MAX_CHANNELS);
    if (config->max_message_size > MAX_BYTES || config->receive_buffer > MAX_BYTES ||
        config->send_buffer > MAX_BYTES)
        return kith_fail(KITH_ERR_RANGE, "a size of the configuration is above %zu bytes",
                         MAX_BYTES);
    for (size_t i = 0; i < sizeof config->reserved / sizeof config->reserved[0]; i++)
        if (config->reserved[i])
            return kith_fail(KITH_ERR_NOT_SUPPORTED,
                             "a reserved field of the configuration is set");
    if (config->ip_handling > KITH_IP_HANDLING_DEFAULT_ROUTE_ONLY ||
        config->ice_restart > KITH_ICE_RESTART_NEVER)
        return kith_fail(KITH_ERR_TYPE, "ip_handling or ice_restart is none of its enumerators");
    return check_ice_tcp(config->ice_tcp);
}

static kith_err unchangeable(const char *what)
{
    return kith_fail(KITH_ERR_INVALID_MODIFICATION, "%s cannot be changed any more", what);
}

/* Not given (0): as it is. */
static bool changes(size_t wanted, size_t is)
{
    return wanted != 0 && wanted != is;
}

/* webrtc-pc "set a configuration" steps 2 to 6. */
static kith_err check_changes(const kith_pc *pc, const kith_pc_config *config)
{
    const kith_pc_config *is = &pc->config;
    if (config->certificate_count > 0) {
        bool same = config->certificate_count == is->certificate_count;
        for (size_t i = 0; same && i < is->certificate_count; i++)
            same = config->certificates[i] == is->certificates[i];
        if (!same)
            return unchangeable("the set of certificates");
    }
    if (config->bundle_policy != is->bundle_policy)
        return unchangeable("the bundle policy");
    if (config->rtcp_mux_policy != is->rtcp_mux_policy)
        return unchangeable("the RTCP multiplexing policy");
    if (config->ignore_rtcp_timeout != is->ignore_rtcp_timeout)
        return unchangeable("whether a timeout of RTCP is ignored");
    bool has_local = pc->jsep.current_local || pc->jsep.pending_local;
    if (has_local && config->ice_candidate_pool_size != is->ice_candidate_pool_size)
        return unchangeable("the candidate pool's size, once there is a local description,");
    if (changes(config->max_channels, is->max_channels) ||
        changes(config->max_message_size, is->max_message_size) ||
        changes(config->receive_buffer, is->receive_buffer) ||
        changes(config->send_buffer, is->send_buffer))
        return unchangeable("a limit of the configuration");
    return KITH_OK;
}

static void fill_defaults(kith_pc_config *config, const kith_pc *pc, bool is_new)
{
    const kith_pc_config first = {
        .max_channels = DEFAULT_MAX_CHANNELS,
        .max_message_size = DEFAULT_MAX_MESSAGE_SIZE,
        .receive_buffer = DEFAULT_RECEIVE_BUFFER,
        .send_buffer = DEFAULT_SEND_BUFFER,
    };
    const kith_pc_config *base = is_new ? &first : &pc->config;
    if (config->max_channels == 0)
        config->max_channels = base->max_channels;
    if (config->max_message_size == 0)
        config->max_message_size = base->max_message_size;
    if (config->receive_buffer == 0)
        config->receive_buffer = base->receive_buffer;
    if (config->send_buffer == 0)
        config->send_buffer = base->send_buffer;
    if (!is_new && config->certificate_count == 0) {
        config->certificates = pc->config.certificates;
        config->certificate_count = pc->config.certificate_count;
    }
}

/* ---- copying ---- */

static const char *copy_text(kith_arena *arena, const char *text)
{
    return text ? kith_arena_text(arena, kith_span_text(text)) : NULL;
}

/* As far apart as the caller's: kith_pc_get_configuration gives them to a program with the same
 * header. */
static void copy_servers(kith_arena *arena, kith_pc_config *config)
{
    size_t count = config->ice_server_count, size = config->ice_server_size;
    uint8_t *servers = count > 0 ? kith_arena_alloc(arena, count * size) : NULL;
    for (size_t i = 0; servers && i < count; i++) {
        kith_ice_server server = server_at(config, i);
        const char **urls = kith_arena_alloc(arena, server.url_count * sizeof *urls);
        for (size_t n = 0; urls && n < server.url_count; n++)
            urls[n] = copy_text(arena, server.urls[n]);
        server.urls = urls;
        server.username = copy_text(arena, server.username);
        server.credential = copy_text(arena, server.credential);
        memcpy(servers + i * size, &server, size < sizeof server ? size : sizeof server);
    }
    config->ice_servers = (const void *)servers;
}

/* After everything else, because it takes references. */
static void copy_certificates(kith_arena *arena, kith_pc_config *config)
{
    size_t count = config->certificate_count;
    kith_certificate **all = count > 0 ? kith_arena_alloc(arena, count * sizeof(*all)) : NULL;
    if (!arena->bad)
        for (size_t i = 0; i < count; i++)
            all[i] = kith_certificate_ref(config->certificates[i]);
    config->certificates = all;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_server(kith_ice_server a, kith_ice_server b)
{
    bool same = a.url_count == b.url_count && same_text(a.username, b.username) &&
                same_text(a.credential, b.credential);
    for (size_t i = 0; same && i < a.url_count; i++)
        same = same_text(a.urls[i], b.urls[i]);
    return same;
}

unsigned kith_config_ice_tcp(const kith_pc *pc)
{
    unsigned kinds = pc->config.ice_tcp;
    return kinds == 0 ? ICE_TCP_ALL : kinds;
}

/* Would both gather the same candidates? */
static bool gathers_same(const kith_pc_config *a, const kith_pc_config *b)
{
    bool same = a->ice_transport_policy == b->ice_transport_policy && a->ice_tcp == b->ice_tcp &&
                a->ip_handling == b->ip_handling && a->ice_server_count == b->ice_server_count;
    for (size_t i = 0; same && i < a->ice_server_count; i++)
        same = same_server(server_at(a, i), server_at(b, i));
    return same;
}

kith_err kith_config_set(kith_pc *pc, const kith_pc_config *config, bool is_new)
{
    kith_pc_config wanted = KITH_PC_CONFIG_INIT;
    kith_err err = kith_config_read(&wanted, sizeof wanted, config, "KITH_PC_CONFIG_INIT");
    if (err == KITH_OK)
        err = check_values(&wanted);
    if (err == KITH_OK)
        err = is_new ? check_certificates(pc, &wanted) : check_changes(pc, &wanted);
    if (err == KITH_OK)
        err = check_servers(&wanted);
    if (err != KITH_OK)
        return err;
    fill_defaults(&wanted, pc, is_new);
    /* A program copies what it gets into a struct of its own header, changes and sets it. */
    if (config->size < wanted.size)
        wanted.size = config->size;

    kith_arena memory;
    kith_arena_init(&memory);
    copy_servers(&memory, &wanted);
    copy_certificates(&memory, &wanted);
    if (memory.bad) {
        kith_arena_deinit(&memory);
        return kith_fail_memory();
    }
    if (!is_new && !gathers_same(&pc->config, &wanted))
        kith_jsep_outdate_candidates(pc);
    kith_config_deinit(pc);
    pc->config = wanted;
    pc->config_memory = memory;
    KITH_LIST_EACH(&pc->transports, node) {
        kith_transport *t = KITH_OWNER(node, kith_transport, in_pc);
        kith_ice_set_relay_only(t->ice,
                                wanted.ice_transport_policy == KITH_ICE_TRANSPORT_POLICY_RELAY);
        kith_relays_configure(t);
    }
    return KITH_OK;
}

void kith_config_deinit(kith_pc *pc)
{
    for (size_t i = 0; i < pc->config.certificate_count; i++)
        kith_certificate_free(pc->config.certificates[i]);
    /* ICE credentials of TURN servers go with it. */
    for (size_t i = 0; i < pc->config.ice_server_count; i++) {
        const char *credential = server_at(&pc->config, i).credential;
        if (credential)
            kith_wipe((char *)(uintptr_t)credential, strlen(credential));
    }
    kith_arena_deinit(&pc->config_memory);
    pc->config = (kith_pc_config){0};
}

/* ---- the public calls ---- */

const kith_pc_config *kith_pc_get_configuration(const kith_pc *pc)
{
    return &pc->config;
}

kith_err kith_pc_set_configuration(kith_pc *pc, const kith_pc_config *cfg)
{
    if (pc->closed)
        return kith_fail(KITH_ERR_INVALID_STATE, "set_configuration: closed");
    if (!cfg)
        return kith_fail(KITH_ERR_TYPE, "set_configuration needs a configuration");
    return kith_config_set(pc, cfg, false);
}
