/* Two negotiators, whose peer connections change at any moment. Texts come late, twice or never
 * (then they are said again), and rubbish comes between them: in the end both sides agree. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kith/kith.h"

enum { MAX_LETTERS = 512, MAX_CHANNELS = 8, MAX_TRACKS = 4, MAX_OPERATIONS = 64 };

static struct side {
    kith_pc *pc;
    kith_negotiator *negotiator;
    /* to this side; the one before `first` came last */
    char *letters[MAX_LETTERS];
    size_t first, count;
    int channels, tracks;
} sides[2];
static kith_endpoint *ep;

static void speak(int from)
{
    struct side *to = &sides[1 - from];
    const char *text;
    for (;;) {
        kith_err err = kith_negotiator_poll(sides[from].negotiator, &text);
        assert(err == KITH_OK);
        if (!text || to->first + to->count == MAX_LETTERS)
            break;
        to->letters[to->first + to->count++] = strdup(text);
    }
}

static void run(void)
{
    const kith_event *ev;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t packet[KITH_MAX_PACKET];
    kith_endpoint_handle_timeout(ep, 0);
    while (kith_endpoint_poll_packet(ep, 0, &info, packet, sizeof packet) > 0)
        ;
    while ((ev = kith_endpoint_poll_event(ep)))
        for (int i = 0; i < 2; i++)
            assert(kith_negotiator_handle_event(sides[i].negotiator, ev) == KITH_OK);
    speak(0);
    speak(1);
}

static void deliver(struct side *side)
{
    if (side->count == 0)
        return;
    const char *text = side->letters[side->first];
    kith_err err = kith_negotiator_receive(side->negotiator, text, strlen(text));
    assert(err == KITH_OK);
    side->first++;
    side->count--;
    run();
}

/* An answer that was said twice, because its offer was. */
static void deliver_again(struct side *side)
{
    if (side->first == 0 || kith_pc_signaling_state(side->pc) != KITH_SIGNALING_STATE_STABLE)
        return;
    const char *text = side->letters[side->first - 1];
    if (strncmp(text, "{\"type\":\"answer\"", 16) != 0)
        return;
    kith_err err = kith_negotiator_receive(side->negotiator, text, strlen(text));
    assert(err == KITH_OK);
    run();
}

static void interrupt(void)
{
    for (int i = 0; i < 2; i++)
        sides[i].first += sides[i].count, sides[i].count = 0;
    for (int i = 0; i < 2; i++) {
        kith_err err = kith_negotiator_resend(sides[i].negotiator);
        assert(err == KITH_OK);
    }
    run();
}

static void change(struct side *side, int what)
{
    static const char *const names[MAX_TRACKS] = {"a", "b", "c", "d"};
    kith_err err = KITH_OK;
    if (what == 0 && side->channels++ < MAX_CHANNELS)
        err = kith_pc_create_data_channel(side->pc, "x", NULL, NULL);
    else if (what == 1)
        kith_pc_restart_ice(side->pc);
    else if (what == 2 && side->tracks < MAX_TRACKS)
        err = kith_pc_add_track(side->pc, KITH_AUDIO, names[side->tracks++], NULL, 0, NULL);
    assert(err == KITH_OK);
    run();
}

static size_t rubbish(struct side *side, const uint8_t *data, size_t size)
{
    kith_signaling_state before = kith_pc_signaling_state(side->pc);
    size_t len = size == 0 ? 0 : data[0] % size;
    char text[256];
    if (len > 0)
        memcpy(text, data + 1, len);
    /* A word of a description that parses would be one of the peer's. */
    for (size_t i = 0; i < len; i++)
        if (text[i] == 'v')
            text[i] = 'w';
    kith_err err = kith_negotiator_receive(side->negotiator, text, len);
    (void)err;
    assert(kith_pc_signaling_state(side->pc) == before);
    return size == 0 ? 0 : len + 1;
}

static void agree(void)
{
    /* What is complete only when gathering is takes a turn more. */
    for (int quiet = 0; quiet < 3; quiet++) {
        run();
        for (int i = 0; sides[0].count > 0 || sides[1].count > 0; i++, quiet = 0)
            deliver(&sides[i % 2]);
    }
    bool is_full = false;
    for (int i = 0; i < 2; i++)
        is_full = is_full || sides[i].first == MAX_LETTERS;
    for (int i = 0; i < 2 && !is_full; i++) {
        assert(kith_pc_signaling_state(sides[i].pc) == KITH_SIGNALING_STATE_STABLE);
        assert(!kith_pc_negotiation_needed(sides[i].pc));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_err err = kith_endpoint_new(&ep, NULL);
    kith_address local;
    assert(err == KITH_OK);
    err = kith_address_parse(&local, "192.0.2.7:5000");
    assert(err == KITH_OK);
    err = kith_endpoint_add_local_address(ep, &local);
    assert(err == KITH_OK);
    for (int i = 0; i < 2; i++) {
        kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
        config.polite = i == 1;
        config.no_trickle = size > 0 && (data[0] >> i & 1);
        memset(&sides[i], 0, sizeof sides[i]);
        err = kith_pc_new(&sides[i].pc, ep, NULL);
        assert(err == KITH_OK);
        err = kith_negotiator_new(&sides[i].negotiator, sides[i].pc, &config);
        assert(err == KITH_OK);
    }
    size_t at = 1;
    for (int n = 0; at < size && n < MAX_OPERATIONS; n++) {
        struct side *side = &sides[data[at] & 1];
        int what = (data[at++] >> 1) % 8;
        if (what < 3)
            change(side, what);
        else if (what < 5)
            deliver(side);
        else if (what == 5)
            deliver_again(side);
        else if (what == 6)
            at += rubbish(side, data + at, size - at);
        else
            interrupt();
    }
    agree();
    for (int i = 0; i < 2; i++) {
        kith_negotiator_free(sides[i].negotiator);
        for (size_t k = 0; k < sides[i].first + sides[i].count; k++)
            free(sides[i].letters[k]);
    }
    kith_endpoint_free(ep);
    return 0;
}
