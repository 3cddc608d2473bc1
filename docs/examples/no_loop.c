/* No loop at all: the endpoint does no I/O, so a program may carry its packets itself. Here with
 * one UDP socket, in the plainest way there is; docs/sans-io.md says what each call means.
 *
 *   ./no_loop [ADDRESS]
 *
 * Reads an offer as a line of JSON, prints the answer, echoes until the channel closes. */
#include <kith/kith.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static kith_address from_system(const struct sockaddr_in *in)
{
    kith_address address = {.family = KITH_IPV4, .port = ntohs(in->sin_port)};
    memcpy(address.ip, &in->sin_addr, 4);
    return address;
}

static void send_packet(int fd, const kith_packet_info *info, const void *data, size_t len)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(info->path.remote.port)};
    memcpy(&to.sin_addr, info->path.remote.ip, 4);
    sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof to); /* a failure is a lost packet */
}

static bool on_event(const kith_event *ev)
{
    if (ev->type == KITH_EV_ICE_GATHERING_STATE &&
        ev->ice_gathering_state == KITH_ICE_GATHERING_STATE_COMPLETE) {
        char *json;
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
        puts(json);
        kith_free(json);
    }
    if (ev->type == KITH_EV_DC_MESSAGE)
        must(kith_dc_send_text(ev->dc, ev->message.data, ev->message.len));
    return ev->type != KITH_EV_DC_CLOSED;
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t sa_len = sizeof sa;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &sa.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        return 2;
    getsockname(fd, (struct sockaddr *)&sa, &sa_len);
    kith_packet_info info = KITH_PACKET_INFO_INIT, out = KITH_PACKET_INFO_INIT;
    info.path.local = from_system(&sa);
    kith_endpoint *ep;
    kith_pc *pc;
    static char buf[65536];
    setvbuf(stdout, NULL, _IOLBF, 0);
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;       /* certificates have dates */
    uint64_t wall = ((uint64_t)time(NULL) + 2208988800) * 1000000; /* since 1900 */
    config.ntp_time_at_zero = wall - (uint64_t)kith_clock_now();
    must(kith_endpoint_new(&ep, &config));
    kith_endpoint_handle_timeout(ep, kith_clock_now());
    must(kith_endpoint_add_local_address(ep, &info.path.local));
    must(kith_pc_new(&pc, ep, NULL));
    if (!fgets(buf, sizeof buf, stdin))
        return 2;
    must(kith_pc_apply_json(pc, buf, strlen(buf)));
    must(kith_pc_set_local_description(pc, NULL));

    for (bool goes_on = true; goes_on;) {
        kith_time due = kith_endpoint_timeout(ep), now = kith_clock_now();
        int ms = due == KITH_NEVER ? -1 : due <= now ? 0 : (int)((due - now + 999) / 1000);
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ms);
        now = kith_clock_now();
        ssize_t len;
        while ((len = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&sa, &sa_len)) >= 0) {
            info.path.remote = from_system(&sa);
            kith_endpoint_handle_packet(ep, now, &info, buf, (size_t)len);
        }
        kith_endpoint_handle_timeout(ep, now);
        for (const kith_request *r; (r = kith_endpoint_poll_request(ep));)
            kith_endpoint_handle_resolved(ep, now, r->id, NULL, 0); /* this driver knows no names */
        for (size_t n; (n = kith_endpoint_poll_packet(ep, now, &out, buf, KITH_MAX_PACKET)) > 0;)
            send_packet(fd, &out, buf, n);
        for (const kith_event *ev; goes_on && (ev = kith_endpoint_poll_event(ep));)
            goes_on = on_event(ev);
    }
    kith_endpoint_free(ep);
    return 0;
}
