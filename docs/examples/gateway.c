/* A gateway between a browser and plain RTP of VP8: what comes to UDP port IN is sent to the
 * browser, the browser's camera to port OUT. Either program there may end and another begin: its
 * stream goes on in the browser, and who begins to listen gets a key frame.
 *   kith serve -- ./gateway IN OUT
 *   ffmpeg -re -f lavfi -i testsrc2 -c:v libvpx -g 25 -f rtp 'rtp://127.0.0.1:IN?pkt_size=1100'
 * Plain RTP asks for no key frame, so let the encoder make some. Lines of JSON go both ways. */
#include <err.h>
#include <errno.h>
#include <kith/kith.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int in, out;

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static int open_udp(const char *port, int (*use)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || use(fd, (struct sockaddr *)&at, sizeof at) != 0)
        err(1, "UDP port %s", port);
    return fd;
}

static void take_datagram(kith_sender *sender)
{
    char buf[1500];
    kith_rtp packet = KITH_RTP_INIT;
    ssize_t len = recv(in, buf, sizeof buf, MSG_DONTWAIT);
    if (len > 0 && kith_rtp_parse(&packet, buf, (size_t)len) == KITH_OK)
        (void)!kith_sender_send_rtp(sender, &packet);
}

static void pass_on(const kith_event *ev)
{
    static kith_time refused;
    char buf[1500];
    size_t len = kith_rtp_write(ev->rtp, 96, buf, sizeof buf);
    if (send(out, buf, len, 0) < 0 && errno == ECONNREFUSED) {
        refused = kith_clock_now(); /* nobody listens */
    } else if (refused && kith_clock_now() - refused > KITH_MS(300)) {
        refused = 0;
        kith_receiver_request_key_frame(ev->receiver);
    }
}

static void on_event(const kith_event *ev)
{
    char *json = NULL;
    if (ev->type == KITH_EV_NEGOTIATION_NEEDED ||
        (ev->type == KITH_EV_SIGNALING_STATE &&
         ev->signaling_state == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)) {
        must(kith_pc_set_local_description(ev->pc, NULL));
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
    } else if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
    else if (ev->type == KITH_EV_RTP)
        pass_on(ev);
    if (json)
        puts(json);
    kith_free(json);
}

int main(int argc, char **argv)
{
    static char line[262144];
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    kith_sender *sender;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() sees all that was not read */
    in = open_udp(argc > 1 ? argv[1] : "5000", bind);
    out = open_udp(argc > 2 ? argv[2] : "5002", connect);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_pc_add_track(pc, KITH_VIDEO, NULL, NULL, 0, &sender));
    struct pollfd fds[] = {{0, POLLIN, 0}, {in, POLLIN, 0}, {kith_loop_fd(loop), POLLIN, 0}};
    while (poll(fds, 3, -1) >= 0) {
        if (fds[0].revents && !fgets(line, sizeof line, stdin))
            break;
        if (fds[0].revents)
            must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
        if (fds[1].revents)
            take_datagram(sender);
        for (const kith_event *ev; (ev = kith_loop_wait(loop, 0));)
            on_event(ev);
    }
    kith_loop_free(loop);
}
