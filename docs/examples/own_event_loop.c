/* kith inside an event loop that is there already: here poll(), which watches standard input
 * too. All that such a loop needs is one file descriptor, kith_loop_fd, and one call when it is
 * readable.
 *
 *   ./own_event_loop [offer]
 *
 * Signals by lines of JSON on standard input and output, each candidate as soon as it is known
 * (trickle ICE). Once connected it sends "ping", answers "ping" with "pong", tells what came,
 * and ends with its input. */
#include <kith/kith.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static void describe(kith_pc *pc)
{
    char *json;
    must(kith_pc_set_local_description(pc, NULL)); /* an offer or an answer, whichever is due */
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    puts(json);
    kith_free(json);
}

static void on_event(const kith_event *ev)
{
    char *json;
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        describe(ev->pc);
        break;
    case KITH_EV_ICE_CANDIDATE:
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
        puts(json);
        kith_free(json);
        break;
    case KITH_EV_DC_OPEN:
        must(kith_dc_send_text(ev->dc, "ping", 4));
        break;
    case KITH_EV_DC_MESSAGE:
        fprintf(stderr, "%s\n", (const char *)ev->message.data);
        if (strcmp(ev->message.data, "ping") == 0)
            must(kith_dc_send_text(ev->dc, "pong", 4));
        break;
    case KITH_EV_CONNECTION_STATE:
        fprintf(stderr, "connection: %s\n", kith_connection_state_name(ev->connection_state));
        break;
    default:
        break;
    }
}

/* False at the end of the input. */
static bool on_input(kith_pc *pc)
{
    char line[65536];
    if (!fgets(line, sizeof line, stdin))
        return false;
    must(kith_pc_apply_json(pc, line, strlen(line)));
    if (kith_pc_signaling_state(pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(pc);
    return true;
}

int main(int argc, char **argv)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    kith_dc *dc;
    setvbuf(stdin, NULL, _IONBF, 0); /* poll sees no lines that stdio holds back */
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    if (argc > 1 && strcmp(argv[1], "offer") == 0)
        must(kith_pc_create_data_channel(pc, "ping", NULL, &dc));

    struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
                           {.fd = kith_loop_fd(loop), .events = POLLIN}};
    for (bool goes_on = true; goes_on && poll(fds, 2, -1) >= 0;) {
        if (fds[0].revents)
            goes_on = on_input(pc);
        const kith_event *ev;
        while (fds[1].revents && (ev = kith_loop_wait(loop, 0)))
            on_event(ev);
    }
    kith_loop_free(loop);
    return 0;
}
