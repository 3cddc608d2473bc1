/* What the system says about interfaces: getifaddrs for names and addresses, netlink for the
 * flags of IPv6 addresses and for changes, a connected socket for the routing table's
 * preference. Nothing is sent. */
#include "io/interfaces.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "io/sockaddr.h"

/* ---- addresses ---- */

/* False for what is no IP address or belongs to an interface that is down. */
static bool read_interface(kith_interface_address *out, const struct ifaddrs *entry)
{
    *out = (kith_interface_address){0};
    unsigned needed = IFF_UP | IFF_RUNNING;
    if (!entry->ifa_addr || (entry->ifa_flags & needed) != needed ||
        !kith_sockaddr_to(&out->address, entry->ifa_addr))
        return false;
    size_t len = strnlen(entry->ifa_name, sizeof out->name - 1);
    memcpy(out->name, entry->ifa_name, len);
    out->index = if_nametoindex(entry->ifa_name);
    return true;
}

/* The address from which packets to the world leave. Connecting a UDP socket only asks the
 * routing table; the addresses are those reserved for documentation (RFC 5737, RFC 3849). */
static bool default_address(kith_address *out, const char *world)
{
    kith_address remote;
    kith_sockaddr address;
    if (kith_address_parse(&remote, world) != KITH_OK)
        return false;
    socklen_t len = kith_sockaddr_from(&address, &remote);
    int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool known = connect(fd, &address.any, len) == 0;
    len = sizeof address;
    known =
        known && getsockname(fd, &address.any, &len) == 0 && kith_sockaddr_to(out, &address.any);
    close(fd);
    return known;
}

static void mark_default(kith_interface_address *list, size_t count, const char *world)
{
    kith_address from;
    if (!default_address(&from, world))
        return;
    for (size_t i = 0; i < count; i++)
        if (kith_address_same_ip(&list[i].address, &from))
            list[i].is_default = true;
}

/* ---- the flags of IPv6 addresses ---- */

typedef struct flags_search {
    kith_interface_address *list;
    size_t count;
} flags_search;

/* One RTM_NEWADDR: the flags stand in the header, newer ones in an attribute. */
static void read_flags(flags_search *search, const struct nlmsghdr *message)
{
    struct ifaddrmsg info;
    memcpy(&info, NLMSG_DATA(message), sizeof info);
    uint32_t flags = info.ifa_flags;
    uint8_t ip[16] = {0};
    size_t left = IFA_PAYLOAD(message);
    const char *at = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof info);
    while (left >= sizeof(struct rtattr)) {
        struct rtattr attribute;
        memcpy(&attribute, at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > left)
            return;
        size_t len = attribute.rta_len - RTA_LENGTH(0);
        if (attribute.rta_type == IFA_FLAGS && len >= sizeof flags)
            memcpy(&flags, at + RTA_LENGTH(0), sizeof flags);
        if (attribute.rta_type == IFA_ADDRESS && len == sizeof ip)
            memcpy(ip, at + RTA_LENGTH(0), sizeof ip);
        size_t step = RTA_ALIGN(attribute.rta_len);
        left -= step < left ? step : left;
        at += step;
    }
    for (size_t i = 0; i < search->count; i++) {
        kith_interface_address *a = &search->list[i];
        if (a->index != info.ifa_index || a->address.family != KITH_IPV6 ||
            memcmp(a->address.ip, ip, sizeof ip) != 0)
            continue;
        a->is_temporary = (flags & IFA_F_TEMPORARY) != 0;
        a->is_unusable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)) != 0;
    }
}

/* False when the dump is over. */
static bool read_dump(flags_search *search, const char *at, size_t left)
{
    struct nlmsghdr message;
    while (left >= sizeof message) {
        memcpy(&message, at, sizeof message);
        if (message.nlmsg_len < sizeof message || message.nlmsg_len > left ||
            message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR)
            return false;
        if (message.nlmsg_type == RTM_NEWADDR &&
            message.nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
            read_flags(search, (const struct nlmsghdr *)(const void *)at);
        size_t step = NLMSG_ALIGN(message.nlmsg_len);
        left -= step < left ? step : left;
        at += step;
    }
    return true;
}

/* Asks the kernel for all IPv6 addresses. Without an answer all stay as they are: usable. */
static void mark_flags(flags_search *search)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg body;
    } ask = {.header = {.nlmsg_len = sizeof ask,
                        .nlmsg_type = RTM_GETADDR,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
             .body = {.ifa_family = AF_INET6}};
    union {
        struct nlmsghdr aligned;
        char bytes[16384];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return;
    struct timeval patience = {.tv_sec = 1}; /* the kernel answers at once or never */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t got = send(fd, &ask, sizeof ask, 0);
    while (got > 0) {
        got = recv(fd, answer.bytes, sizeof answer.bytes, 0);
        if (got <= 0 || !read_dump(search, answer.bytes, (size_t)got))
            break;
    }
    close(fd);
}

size_t kith_interfaces_list(kith_interface_address *out, size_t cap)
{
    struct ifaddrs *entries;
    size_t count = 0;
    if (getifaddrs(&entries) != 0)
        return 0;
    for (const struct ifaddrs *entry = entries; entry && count < cap; entry = entry->ifa_next)
        if (read_interface(&out[count], entry))
            count++;
    freeifaddrs(entries);
    mark_flags(&(flags_search){.list = out, .count = count});
    mark_default(out, count, "192.0.2.1:9");
    mark_default(out, count, "[2001:db8::1]:9");
    return count;
}

/* ---- changes ---- */

int kith_interfaces_watch(void)
{
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void kith_interfaces_drain(int fd)
{
    char bytes[4096];
    ssize_t got;
    do
        got = recv(fd, bytes, sizeof bytes, MSG_TRUNC); /* ENOBUFS tells of changes too */
    while (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS)));
}
