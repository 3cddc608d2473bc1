/* The local addresses that the endpoint knows: those given, or the interfaces' as they come and
 * go. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "io/io.h"

/* Changes come in flocks: an interface that comes up tells of itself half a dozen times. */
#define SETTLE_TIME KITH_MS(50)

static size_t choose(const kith_loop *loop, kith_interface_address *list)
{
    const kith_loop_config *config = &loop->config;
    kith_interface_rules rules = {.loopback = config->loopback,
                                  .no_ipv6 = config->no_ipv6,
                                  .filter = config->interface_filter,
                                  .user = config->user};
    size_t count = kith_interfaces_list(list, KITH_INTERFACE_ADDRESSES);
    return kith_interfaces_choose(list, count, &rules);
}

/* ---- one address ---- */

static kith_address tcp_address(const kith_loop *loop, const kith_address *local)
{
    kith_address address = *local;
    address.port = loop->config.tcp_port;
    return address;
}

/* The most particular that was given. */
static kith_address external_of(const kith_loop *loop, const kith_address *local)
{
    kith_address found = {0};
    bool is_near = kith_address_is_loopback(local) || kith_address_is_link_local(local);
    for (size_t i = 0; i < loop->external_count; i++) {
        const kith_address *of = &loop->externals[i].local;
        if (kith_address_same_ip(of, local))
            return loop->externals[i].external;
        if (of->family == 0 && loop->externals[i].external.family == local->family && !is_near)
            found = loop->externals[i].external;
    }
    return found;
}

static kith_local_info info_of(const kith_loop *loop, const kith_interface_address *found,
                               const kith_address *address, kith_protocol protocol)
{
    const kith_loop_config *config = &loop->config;
    kith_local_info info = KITH_LOCAL_INFO_INIT;
    info.address = *address;
    info.protocol = protocol;
    info.external = external_of(loop, address);
    info.is_hidden = config->external_only && info.external.family != 0;
    info.is_default_route = found->is_default;
    if (config->local_preference)
        info.preference = config->local_preference(found->name, address, config->user);
    return info;
}

/* Peers connect from it, and to it where there is a listener. */
static kith_err add_tcp(kith_loop *loop, const kith_interface_address *local)
{
    kith_address address = tcp_address(loop, &local->address);
    kith_err err = address.port != 0 ? kith_tcp_listen(loop, &address) : KITH_OK;
    if (err != KITH_OK)
        return err;
    kith_local_info info = info_of(loop, local, &address, KITH_TCP);
    err = kith_endpoint_add_local(loop->ep, &info);
    if (err != KITH_OK)
        kith_tcp_unlisten(loop, &address);
    return err;
}

static void remove_tcp(kith_loop *loop, const kith_address *local)
{
    kith_address address = tcp_address(loop, local);
    kith_endpoint_remove_tcp_address(loop->ep, &address);
    kith_tcp_unlisten(loop, &address);
}

/* With a shared port its socket is opened here; without, each peer asks for its own. */
static kith_err add_udp(kith_loop *loop, const kith_interface_address *found)
{
    kith_interface_address *local = &loop->locals[loop->local_count];
    *local = *found;
    if (loop->config.udp_port != 0) {
        local->address.port = loop->config.udp_port;
        kith_err err = kith_sockets_open(loop, &local->address, &local->address);
        if (err != KITH_OK)
            return err;
    }
    kith_local_info info = info_of(loop, local, &local->address, KITH_UDP);
    kith_err err = kith_endpoint_add_local(loop->ep, &info);
    if (err == KITH_OK)
        loop->local_count++;
    else if (loop->config.udp_port != 0)
        kith_sockets_close(loop, &local->address);
    return err;
}

static void remove_at(kith_loop *loop, size_t index)
{
    kith_address address = loop->locals[index].address;
    loop->local_count--;
    for (size_t i = index; i < loop->local_count; i++)
        loop->locals[i] = loop->locals[i + 1];
    kith_endpoint_remove_local_address(loop->ep, &address);
    remove_tcp(loop, &address);
    if (loop->config.udp_port != 0)
        kith_sockets_close(loop, &address);
}

/* Both or neither: whoever begins with a port that is taken shall know. */
static kith_err add(kith_loop *loop, const kith_interface_address *found)
{
    kith_err err = add_udp(loop, found);
    if (err != KITH_OK)
        return err;
    err = add_tcp(loop, &loop->locals[loop->local_count - 1]);
    if (err != KITH_OK)
        remove_at(loop, loop->local_count - 1);
    return err;
}

/* One that comes late has what can be had. */
static void add_late(kith_loop *loop, const kith_interface_address *found)
{
    char text[KITH_ADDRESS_TEXT];
    const char *without = "";
    kith_err err = add_udp(loop, found);
    if (err == KITH_OK) {
        err = add_tcp(loop, &loop->locals[loop->local_count - 1]);
        without = " for UDP only";
    }
    kith_address_format(&found->address, text, sizeof text);
    if (err == KITH_OK)
        KITH_LOG(NULL, INFO, "io: %s is new", text);
    else
        KITH_LOG(NULL, WARNING, "io: %s is new%s, but: %s", text, without,
                 kith_last_error()->message);
}

static bool is_in(const kith_address *address, const kith_interface_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kith_address_same_ip(&list[i].address, address))
            return true;
    return false;
}

/* ---- all of them ---- */

static void follow(kith_loop *loop)
{
    kith_interface_address list[KITH_INTERFACE_ADDRESSES];
    size_t count = choose(loop, list);
    char text[KITH_ADDRESS_TEXT];
    for (size_t i = loop->local_count; i-- > 0;)
        if (!is_in(&loop->locals[i].address, list, count)) {
            KITH_LOG(NULL, INFO, "io: %s is gone",
                     kith_address_format(&loop->locals[i].address, text, sizeof text));
            remove_at(loop, i);
        }
    for (size_t i = 0; i < count && loop->local_count < KITH_LOCAL_ADDRESSES; i++) {
        if (is_in(&list[i].address, loop->locals, loop->local_count))
            continue;
        add_late(loop, &list[i]);
    }
}

static void route_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    (void)events;
    kith_interfaces_drain(watch->fd);
    if (loop->look_again_at == KITH_NEVER)
        loop->look_again_at = loop->now + SETTLE_TIME;
}

void kith_locals_update(kith_loop *loop)
{
    if (loop->now < loop->look_again_at)
        return;
    loop->look_again_at = KITH_NEVER;
    follow(loop);
}

const kith_address *kith_loop_local(const kith_loop *loop, size_t index)
{
    return index < loop->local_count ? &loop->locals[index].address : NULL;
}

/* ---- beginning ---- */

/* An address that is not this machine's is told of now, not when the first peer asks for a
 * socket. */
static kith_err check_given(const kith_address *address, const char *text)
{
    kith_udp probe;
    int error = kith_udp_open(&probe, address, &(kith_udp_options){0});
    if (error != 0)
        return kith_fail_system(error, "cannot bind %s", text);
    kith_udp_close(&probe);
    return KITH_OK;
}

/* What the system knows of an address that was given. */
static void look_up(kith_interface_address *given)
{
    kith_interface_address list[KITH_INTERFACE_ADDRESSES];
    size_t count = kith_interfaces_list(list, KITH_INTERFACE_ADDRESSES);
    for (size_t i = 0; i < count; i++)
        if (kith_address_same_ip(&list[i].address, &given->address)) {
            given->index = list[i].index; /* multicast DNS asks on their interfaces */
            given->is_default = list[i].is_default;
        }
}

static kith_err add_given(kith_loop *loop, const char *text)
{
    kith_interface_address found = {.name = "given"};
    kith_err err = kith_address_parse(&found.address, text);
    if (err != KITH_OK)
        return err;
    if (found.address.port != 0)
        return kith_fail(KITH_ERR_RANGE,
                         "bind address %s: no port belongs here (udp_port is one for all)", text);
    if (kith_address_is_any(&found.address) || kith_address_is_multicast(&found.address))
        return kith_fail(KITH_ERR_RANGE, "bind address %s is not an address of this machine", text);
    if (loop->local_count == KITH_LOCAL_ADDRESSES)
        return kith_fail(KITH_ERR_RANGE, "more than %d bind addresses", KITH_LOCAL_ADDRESSES);
    look_up(&found);
    err = check_given(&found.address, text);
    return err != KITH_OK ? err : add(loop, &found);
}

static kith_err add_all_given(kith_loop *loop, const char *const *texts)
{
    if (!*texts)
        return kith_fail(KITH_ERR_TYPE, "the list of bind addresses is empty");
    for (; *texts; texts++) {
        kith_err err = add_given(loop, *texts);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

/* A shared port that is taken is the caller's business; an address that came or went this moment
 * is not. */
static kith_err add_interfaces(kith_loop *loop)
{
    kith_interface_address list[KITH_INTERFACE_ADDRESSES];
    size_t count = choose(loop, list);
    for (size_t i = 0; i < count; i++) {
        kith_err err = add(loop, &list[i]);
        if (err != KITH_OK && kith_last_error()->system_errno != EADDRNOTAVAIL)
            return err;
    }
    return KITH_OK;
}

/* "PUBLIC" or "PUBLIC/LOCAL". */
static kith_err read_external(kith_loop *loop, const char *text)
{
    kith_span local = kith_span_text(text);
    kith_span external = kith_span_cut(&local, '/');
    if (loop->external_count == KITH_EXTERNAL_ADDRESSES)
        return kith_fail(KITH_ERR_RANGE, "more than %d external addresses",
                         KITH_EXTERNAL_ADDRESSES);
    kith_address *out = &loop->externals[loop->external_count].external;
    kith_address *of = &loop->externals[loop->external_count].local;
    bool has_local = strchr(text, '/');
    *of = (kith_address){0};
    if (!kith_address_parse_ip(out, external) || kith_address_is_any(out) ||
        (has_local && (!kith_address_parse_ip(of, local) || of->family != out->family)))
        return kith_fail(KITH_ERR_SYNTAX,
                         "external address %s: PUBLIC or PUBLIC/LOCAL is wanted, without ports",
                         text);
    loop->external_count++;
    return KITH_OK;
}

kith_err kith_locals_init(kith_loop *loop)
{
    loop->look_again_at = KITH_NEVER;
    for (const char *const *text = loop->config.external_addresses; text && *text; text++) {
        kith_err err = read_external(loop, *text);
        if (err != KITH_OK)
            return err;
    }
    if (loop->config.bind_addresses)
        return add_all_given(loop, loop->config.bind_addresses);
    /* Watched first, so that no change falls between. Without netlink the first look must do. */
    loop->route_watch = (kith_watch){.ready = route_ready, .fd = kith_interfaces_watch()};
    if (loop->route_watch.fd >= 0) {
        kith_err err = kith_wait_watch(loop, &loop->route_watch);
        if (err != KITH_OK)
            return err;
    }
    return add_interfaces(loop);
}

void kith_locals_deinit(kith_loop *loop)
{
    if (loop->route_watch.fd >= 0)
        close(loop->route_watch.fd);
}
