/* One UDP socket: options, sendmsg with UDP_SEGMENT, recvmsg with UDP_GRO. Measured per packet
 * of 1200 bytes: 1500 ns one by one, 100 ns in batches. */
#include "io/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sockaddr.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* ---- opening ---- */

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* As much as asked where the system lets us, else as much as its limit. */
static void set_buffer(int fd, int forced, int name, int bytes)
{
    if (!set_option(fd, SOL_SOCKET, forced, bytes))
        (void)set_option(fd, SOL_SOCKET, name, bytes);
}

/* PROBE sets DF and does not let an ICMP message, which anybody can forge, lower the path MTU:
 * that is found by probing (RFC 8899). DONT lets routers fragment. */
static bool set_dont_fragment(kith_udp *udp, bool on)
{
    if (udp->local.family == KITH_IPV4)
        return set_option(udp->fd, IPPROTO_IP, IP_MTU_DISCOVER,
                          on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
    return set_option(udp->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                      on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
}

/* What works without is not worth failing for. */
static void set_options(kith_udp *udp, const kith_udp_options *options)
{
    int fd = udp->fd;
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
    if (udp->local.family == KITH_IPV4)
        (void)set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
    else
        (void)set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    (void)set_dont_fragment(udp, false);
    (void)set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
    udp->has_gso = set_option(fd, IPPROTO_UDP, UDP_SEGMENT, 0);
    udp->dont_fragment = false;
}

static int bind_to(kith_udp *udp, const kith_address *local)
{
    kith_sockaddr address;
    socklen_t len = kith_sockaddr_from(&address, local);
    if (local->family == KITH_IPV6 && !set_option(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return errno;
    if (bind(udp->fd, &address.any, len) != 0)
        return errno;
    len = sizeof address;
    if (getsockname(udp->fd, &address.any, &len) != 0)
        return errno;
    return kith_sockaddr_to(&udp->local, &address.any) ? 0 : EAFNOSUPPORT;
}

int kith_udp_open(kith_udp *udp, const kith_address *local, const kith_udp_options *options)
{
    int family = local->family == KITH_IPV4 ? AF_INET : AF_INET6;
    *udp = (kith_udp){.fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (udp->fd < 0)
        return errno;
    int error = bind_to(udp, local);
    if (error != 0) {
        kith_udp_close(udp);
        return error;
    }
    set_options(udp, options);
    return 0;
}

void kith_udp_close(kith_udp *udp)
{
    if (udp->fd >= 0)
        close(udp->fd);
    udp->fd = -1;
}

/* ---- control messages ---- */

typedef union control {
    struct cmsghdr aligned;
    char bytes[2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
} control;

typedef struct control_message {
    int level, type;
    const void *data;
    size_t len;
} control_message;

/* Appends one; `header` was given room for all. */
static void add_control(struct msghdr *header, control_message message)
{
    struct cmsghdr c = {
        .cmsg_level = message.level, .cmsg_type = message.type, .cmsg_len = CMSG_LEN(message.len)};
    char *at = (char *)header->msg_control + header->msg_controllen;
    memset(at, 0, CMSG_SPACE(message.len));
    memcpy(at, &c, sizeof c);
    memcpy(at + CMSG_LEN(0), message.data, message.len);
    header->msg_controllen += CMSG_SPACE(message.len);
}

/* ---- sending ---- */

/* One system call. Returns 0 or errno. */
static int send_once(const kith_udp *udp, const kith_packet_info *info, kith_span data,
                     uint16_t segment)
{
    kith_sockaddr to;
    control space;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data.data, .iov_len = data.len};
    struct msghdr header = {.msg_name = &to,
                            .msg_namelen = kith_sockaddr_from(&to, &info->path.remote),
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = space.bytes};
    bool ipv4 = udp->local.family == KITH_IPV4;
    int tos = info->dscp << 2 | (info->ecn & 3);
    if (tos != 0)
        add_control(&header, (control_message){ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                                               ipv4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos});
    if (data.len > segment)
        add_control(&header, (control_message){IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment});
    if (header.msg_controllen == 0)
        header.msg_control = NULL;
    ssize_t sent;
    do
        sent = sendmsg(udp->fd, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

static void note_failure(kith_udp *udp, int error)
{
    KITH_LOG(NULL, DEBUG, "packets were not sent: %s", strerror(error));
    udp->is_unreachable |= error == ENETUNREACH || error == EHOSTUNREACH || error == EPERM;
}

/* The first packet alone. False: the socket is full. */
static bool send_first(kith_udp *udp, kith_batch *batch)
{
    kith_span packet = kith_batch_first(batch);
    int error = send_once(udp, &batch->info, packet, (uint16_t)packet.len);
    if (is_full(error))
        return false;
    if (error != 0)
        note_failure(udp, error);
    kith_batch_sent(batch, packet.len);
    return true;
}

static bool send_one_by_one(kith_udp *udp, kith_batch *batch)
{
    while (!kith_batch_empty(batch))
        if (!send_first(udp, batch))
            return false;
    return true;
}

bool kith_udp_send(kith_udp *udp, kith_batch *batch)
{
    kith_span unsent = kith_batch_unsent(batch);
    udp->is_unreachable = false;
    if (batch->info.dont_fragment != udp->dont_fragment &&
        set_dont_fragment(udp, batch->info.dont_fragment))
        udp->dont_fragment = batch->info.dont_fragment;
    if (!udp->has_gso || unsent.len <= batch->segment)
        return send_one_by_one(udp, batch);
    int error = send_once(udp, &batch->info, unsent, (uint16_t)batch->segment);
    if (is_full(error))
        return false;
    /* EIO: the device cannot fill in checksums. EINVAL and EMSGSIZE: this batch does not suit the
     * link, such as a segment above its MTU. */
    if (error == EIO)
        udp->has_gso = false;
    if (error == EIO || error == EINVAL || error == EMSGSIZE)
        return send_one_by_one(udp, batch);
    if (error != 0)
        note_failure(udp, error);
    kith_batch_sent(batch, unsent.len);
    return true;
}

/* ---- receiving ---- */

static void read_control(const struct cmsghdr *c, kith_udp_received *out)
{
    int value = *CMSG_DATA(c); /* IP_TOS is one byte, the others are an int */
    if (c->cmsg_len >= CMSG_LEN(sizeof value))
        memcpy(&value, CMSG_DATA(c), sizeof value);
    if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
        (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS))
        out->info.ecn = (uint8_t)(value & 3);
    else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO && value > 0)
        out->segment = (size_t)value;
}

bool kith_udp_receive(kith_udp *udp, uint8_t *buf, size_t cap, kith_udp_received *out)
{
    kith_sockaddr from = {.any = {.sa_family = AF_UNSPEC}};
    control space;
    struct iovec iov = {.iov_base = buf, .iov_len = cap};
    struct msghdr header = {.msg_name = &from,
                            .msg_namelen = sizeof from,
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = space.bytes,
                            .msg_controllen = sizeof space.bytes};
    ssize_t got;
    do
        got = recvmsg(udp->fd, &header, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && is_full(errno))
        return false;
    *out = (kith_udp_received){.info = KITH_PACKET_INFO_INIT};
    out->info.path = (kith_path){.local = udp->local, .protocol = KITH_UDP};
    /* An error here is an ICMP message about an earlier packet. */
    if (got <= 0 || (header.msg_flags & MSG_TRUNC) ||
        !kith_sockaddr_to(&out->info.path.remote, &from.any))
        return true;
    out->len = out->segment = (size_t)got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        read_control(c, out);
    return true;
}
