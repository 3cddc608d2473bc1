/* Chat by copy and paste, between two terminals or a terminal and a browser's console.
 *
 *   ./chat           offers: prints one line of JSON and waits for the answer's
 *   ./chat answer    waits for the offer's line and prints the answer's
 *
 * In a browser's console, with the offer's line in place of OFFER:
 *
 *   pc = new RTCPeerConnection()
 *   pc.ondatachannel = e => { dc = e.channel; dc.onmessage = m => console.log(m.data) }
 *   pc.onicecandidate = e => e.candidate || console.log(JSON.stringify(pc.localDescription))
 *   await pc.setRemoteDescription(OFFER); await pc.setLocalDescription()
 *   dc.send('hello')     // once the line that it printed was pasted here
 *
 * The loop runs in a thread of its own, so that main may simply read lines. */
#include <kith/kith.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kith_dc *chat; /* from its opening on */
static sem_t closed;

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop, (void)user;
    if (ev->type == KITH_EV_ICE_GATHERING_STATE &&
        ev->ice_gathering_state == KITH_ICE_GATHERING_STATE_COMPLETE) {
        char *json; /* complete, with all candidates */
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
        puts(json);
        kith_free(json);
    } else if (ev->type == KITH_EV_DC_OPEN) {
        chat = ev->dc;
        puts("-- connected: what you type is sent");
    } else if (ev->type == KITH_EV_DC_MESSAGE) {
        printf("> %s\n", (const char *)ev->message.data);
    } else if (ev->type == KITH_EV_DC_CLOSED) {
        puts("-- closed: press Enter");
        sem_post(&closed);
    } else if (ev->type == KITH_EV_CONNECTION_STATE &&
               ev->connection_state == KITH_CONNECTION_STATE_FAILED) {
        printf("-- %s\n", kith_pc_why_failed(ev->pc));
    }
}

/* A description at first, then messages. False when the chat is over. */
static bool on_line(kith_pc *pc, const char *line, size_t len)
{
    if (chat)
        return kith_dc_send_text(chat, line, len) == KITH_OK;
    must(kith_pc_apply_json(pc, line, len));
    if (kith_pc_signaling_state(pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        must(kith_pc_set_local_description(pc, NULL)); /* the answer */
    return true;
}

int main(int argc, char **argv)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true; /* two terminals of one machine need no network */
    kith_loop *loop;
    kith_pc *pc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sem_init(&closed, 0, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    if (argc < 2 || strcmp(argv[1], "answer") != 0) {
        must(kith_pc_create_data_channel(pc, "chat", NULL, NULL));
        must(kith_pc_set_local_description(pc, NULL)); /* the offer */
    }
    must(kith_loop_start(loop));

    char line[65536];
    for (bool goes_on = true; goes_on && fgets(line, sizeof line, stdin);) {
        kith_loop_enter(loop);
        goes_on = on_line(pc, line, strcspn(line, "\n"));
        kith_loop_leave(loop);
    }
    kith_loop_enter(loop);
    bool was_open = chat;
    if (was_open)
        kith_dc_close(chat); /* behind what is still to be sent */
    kith_loop_leave(loop);
    if (was_open)
        sem_wait(&closed);
    kith_loop_free(loop);
    return 0;
}
