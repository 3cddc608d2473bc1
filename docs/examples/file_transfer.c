/* Sends a file to another peer; the descriptions travel by copy and paste, or through pipes.
 *
 *   ./file_transfer send FILE       prints an offer, reads the answer
 *   ./file_transfer receive FILE    reads an offer, prints the answer
 *
 * When the send buffer is full kith_dc_send says AGAIN; an event tells of room. */
#include <kith/kith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct transfer {
    kith_pc *pc;
    FILE *file;
    bool sends;
    size_t chunk_len; /* read from the file and not yet taken */
    /* a size that every peer takes */
    char chunk[16384];
} transfer;

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void must(kith_err err)
{
    if (err != KITH_OK)
        fail(kith_last_error()->message);
}

static void read_description(kith_pc *pc)
{
    static char line[65536];
    if (!fgets(line, sizeof line, stdin))
        fail("no description came");
    must(kith_pc_apply_json(pc, line, strlen(line)));
}

static void print_description(kith_pc *pc)
{
    char *json;
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    puts(json);
    kith_free(json);
}

/* Until the file ends or the connection has enough for now. */
static void send_more(transfer *t, kith_dc *dc)
{
    while (t->chunk_len > 0 || (t->chunk_len = fread(t->chunk, 1, sizeof t->chunk, t->file)) > 0) {
        kith_err err = kith_dc_send(dc, t->chunk, t->chunk_len);
        if (err == KITH_ERR_AGAIN)
            return;
        must(err);
        t->chunk_len = 0;
    }
    kith_dc_close(dc); /* when all is sent */
}

int main(int argc, char **argv)
{
    static transfer t;
    kith_loop *loop;
    kith_dc *dc = NULL;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true; /* both may be on this machine */
    t.sends = argc == 3 && strcmp(argv[1], "send") == 0;
    t.file = argc == 3 ? fopen(argv[2], t.sends ? "rb" : "wb") : NULL;
    if (!t.file)
        fail("usage: file_transfer send|receive FILE");
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&t.pc, kith_loop_endpoint(loop), NULL));
    if (t.sends)
        must(kith_pc_create_data_channel(t.pc, "file", NULL, &dc));
    else
        read_description(t.pc);
    must(kith_pc_set_local_description(t.pc, NULL));

    bool done = false;
    for (const kith_event *ev; !done && (ev = kith_loop_wait(loop, -1));) {
        if (ev->type == KITH_EV_ICE_GATHERING_STATE &&
            ev->ice_gathering_state == KITH_ICE_GATHERING_STATE_COMPLETE) {
            print_description(t.pc); /* with all candidates in it */
            if (t.sends)
                read_description(t.pc);
        } else if (t.sends && (ev->type == KITH_EV_DC_OPEN || ev->type == KITH_EV_WRITABLE))
            send_more(&t, dc);
        else if (ev->type == KITH_EV_DC_MESSAGE)
            fwrite(ev->message.data, 1, ev->message.len, t.file);
        else if (ev->type == KITH_EV_DC_ERROR)
            fail(ev->error->message);
        else if (ev->type == KITH_EV_DC_CLOSED)
            done = true;
    }
    kith_loop_free(loop);
    return fclose(t.file) == 0 ? 0 : 1;
}
