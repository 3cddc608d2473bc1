/* Multicast sockets. Chromium answers for its `.local` names only when the question comes from
 * port 5353, so the port is shared with whatever else speaks mDNS here; without it a port of our
 * own serves, and answers come by unicast (RFC 6762 section 6.7). */
#include "io/mdns_socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/sockaddr.h"

enum { V4, V6 };
#define MDNS_PORT 5353

/* 224.0.0.251 and ff02::fb (RFC 6762 section 3). */
static const kith_address group[2] = {
    {.family = KITH_IPV4, .port = MDNS_PORT, .ip = {224, 0, 0, 251}},
    {.family = KITH_IPV6, .port = MDNS_PORT, .ip = {0xff, 0x02, [15] = 0xfb}},
};

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool bind_port(int fd, int which, uint16_t port)
{
    kith_address any = {.family = group[which].family, .port = port};
    kith_sockaddr address;
    socklen_t len = kith_sockaddr_from(&address, &any);
    return bind(fd, &address.any, len) == 0;
}

/* All packets of mDNS carry a hop limit of 255 (RFC 6762 section 11). */
static void set_options(int fd, int which)
{
    if (which == V4) {
        (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255);
        (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
        (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
        (void)set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    } else {
        (void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        (void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
        (void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
        (void)set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
}

static int open_family(int which)
{
    int family = which == V4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_options(fd, which);
    (void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!bind_port(fd, which, MDNS_PORT) && !bind_port(fd, which, 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* To receive on an interface, the group is joined there. Where that is refused, asking may still
 * do. */
static void join(int fd, int which, uint32_t interface_index)
{
    if (which == V4) {
        struct ip_mreqn request = {.imr_ifindex = (int)interface_index};
        memcpy(&request.imr_multiaddr, group[V4].ip, 4);
        (void)setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
    } else {
        struct ipv6_mreq request = {.ipv6mr_interface = interface_index};
        memcpy(&request.ipv6mr_multiaddr, group[V6].ip, 16);
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
    }
}

static void add_interface(kith_mdns_sockets *sockets, int which, uint32_t interface_index)
{
    size_t *count = &sockets->interface_count[which];
    for (size_t i = 0; i < *count; i++)
        if (sockets->interfaces[which][i] == interface_index)
            return;
    if (*count == KITH_LOCAL_ADDRESSES)
        return;
    sockets->interfaces[which][(*count)++] = interface_index;
    join(sockets->fds[which], which, interface_index);
}

bool kith_mdns_sockets_open(kith_mdns_sockets *sockets, const kith_interface_address *list,
                            size_t count)
{
    *sockets = (kith_mdns_sockets){.fds = {open_family(V4), open_family(V6)}};
    for (size_t i = 0; i < count; i++) {
        int which = list[i].address.family == KITH_IPV4 ? V4 : V6;
        if (sockets->fds[which] >= 0 && list[i].index != 0)
            add_interface(sockets, which, list[i].index);
    }
    return sockets->fds[V4] >= 0 || sockets->fds[V6] >= 0;
}

void kith_mdns_sockets_close(kith_mdns_sockets *sockets)
{
    for (int which = V4; which <= V6; which++) {
        if (sockets->fds[which] >= 0)
            close(sockets->fds[which]);
        sockets->fds[which] = -1;
        sockets->interface_count[which] = 0;
    }
}

/* ---- packets ---- */

/* Which interface: the same struct tells the kernel when sending and us when receiving. */
typedef union control {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
} control;

static void send_on(int fd, int which, uint32_t interface_index, kith_span packet)
{
    kith_sockaddr to;
    control space = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)packet.data, .iov_len = packet.len};
    struct in_pktinfo v4 = {.ipi_ifindex = (int)interface_index};
    struct in6_pktinfo v6 = {.ipi6_ifindex = interface_index};
    size_t len = which == V4 ? sizeof v4 : sizeof v6;
    struct msghdr header = {.msg_name = &to,
                            .msg_namelen = kith_sockaddr_from(&to, &group[which]),
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = space.bytes,
                            .msg_controllen = CMSG_SPACE(len)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = which == V4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = which == V4 ? IP_PKTINFO : IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), which == V4 ? (const void *)&v4 : (const void *)&v6, len);
    (void)sendmsg(fd, &header, MSG_NOSIGNAL);
}

void kith_mdns_sockets_send(const kith_mdns_sockets *sockets, kith_span packet)
{
    for (int which = V4; which <= V6; which++)
        for (size_t i = 0; i < sockets->interface_count[which]; i++)
            send_on(sockets->fds[which], which, sockets->interfaces[which][i], packet);
}

static uint32_t read_interface(struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return (uint32_t)info.ipi_ifindex;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return info.ipi6_ifindex;
        }
    }
    return 0;
}

bool kith_mdns_sockets_receive(const kith_mdns_sockets *sockets, int which, void *buf, size_t *len,
                               uint32_t *interface_index)
{
    kith_sockaddr from = {.any = {.sa_family = AF_UNSPEC}};
    kith_address source;
    control space;
    struct iovec iov = {.iov_base = buf, .iov_len = KITH_MDNS_RECEIVE_BYTES};
    struct msghdr header = {.msg_name = &from,
                            .msg_namelen = sizeof from,
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = space.bytes,
                            .msg_controllen = sizeof space.bytes};
    ssize_t got = recvmsg(sockets->fds[which], &header, 0);
    if (got < 0 && errno != EINTR)
        return false;
    *interface_index = got > 0 ? read_interface(&header) : 0;
    /* Answers come from port 5353, others are to be ignored (RFC 6762 section 6). */
    bool believed = got > 0 && kith_sockaddr_to(&source, &from.any) && source.port == MDNS_PORT;
    *len = believed ? (size_t)got : 0;
    return true;
}
