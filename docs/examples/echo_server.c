/* An echo server for browsers: what a data channel brings goes back as it came.
 *
 * Each line of standard input is an offer as JSON.stringify(pc.localDescription) gives it,
 * complete with its candidates; the answer comes out as a line. Any server that joins a
 * WebSocket to a program's input and output makes this a service, with JavaScript like this:
 *
 *   const pc = new RTCPeerConnection(), dc = pc.createDataChannel('echo')
 *   const socket = new WebSocket('wss://…')
 *   pc.onicecandidate = e => e.candidate || socket.send(JSON.stringify(pc.localDescription))
 *   socket.onmessage = m => pc.setRemoteDescription(JSON.parse(m.data))
 *   dc.onopen = () => dc.send('hello'); dc.onmessage = m => console.log(m.data)
 *   await pc.setLocalDescription() */
#include <kith/kith.h>

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

static void print_answer(kith_pc *pc)
{
    char *json;
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    puts(json);
    kith_free(json);
}

static void echo(kith_dc *dc, const kith_message *message)
{
    kith_err err = message->is_text ? kith_dc_send_text(dc, message->data, message->len)
                                    : kith_dc_send(dc, message->data, message->len);
    if (err != KITH_OK) /* who sends without ever reading gets no echo */
        fprintf(stderr, "no echo: %s\n", kith_last_error()->message);
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop, (void)user;
    switch (ev->type) {
    case KITH_EV_ICE_GATHERING_STATE:
        if (ev->ice_gathering_state == KITH_ICE_GATHERING_STATE_COMPLETE)
            print_answer(ev->pc);
        break;
    case KITH_EV_DC_MESSAGE:
        echo(ev->dc, &ev->message);
        break;
    case KITH_EV_CONNECTION_STATE:
        if (ev->connection_state != KITH_CONNECTION_STATE_FAILED)
            break;
        fprintf(stderr, "%s\n", kith_pc_why_failed(ev->pc));
        kith_pc_free(ev->pc);
        break;
    case KITH_EV_DC_CLOSED: /* one channel, one conversation */
        kith_pc_free(ev->pc);
        break;
    default:
        break;
    }
}

/* A bad offer is its sender's trouble, not the server's. */
static void on_offer(kith_endpoint *ep, const char *line, size_t len)
{
    kith_pc *pc;
    must(kith_pc_new(&pc, ep, NULL));
    if (kith_pc_apply_json(pc, line, len) == KITH_OK &&
        kith_pc_set_local_description(pc, NULL) == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    kith_pc_free(pc);
}

int main(void)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true; /* browsers on this machine too */
    kith_loop *loop;
    char line[65536];
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_loop_start(loop));
    while (fgets(line, sizeof line, stdin)) {
        kith_loop_enter(loop);
        on_offer(kith_loop_endpoint(loop), line, strlen(line));
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
    return 0;
}
