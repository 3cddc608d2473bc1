#include "hostile.h"

/* ---- memory ---- */

#define SHORT_ONES 50

void say_short_messages(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE | UNORDERED, ++s->tsn, s->stream, 0, 1);
    send_packet(s);
}

void say_long_messages(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    put_data(WHOLE | UNORDERED, ++s->tsn, s->stream, 0, 1100);
    send_packet(s);
}

static void go_on_for_ever(scene *s, unsigned number, uint8_t flags)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++)
        put_data(number == 0 && i == 0 ? flags | FIRST : flags, ++s->tsn, s->stream, s->ssn, 1);
    send_packet(s);
}

void go_on_in_order(scene *s, unsigned number)
{
    go_on_for_ever(s, number, 0);
}

void go_on_unordered(scene *s, unsigned number)
{
    go_on_for_ever(s, number, UNORDERED);
}

/* One message after the other begins, and none ends. */
void begin_messages(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < 40; i++)
        put_data(FIRST | UNORDERED, ++s->tsn, (uint16_t)((number * 40 + i) % 256), 0, 1);
    send_packet(s);
}

/* ---- channels ---- */

#define LABEL     65000
#define FRAGMENTS 65

/* Channel after channel is opened, with a label of 65000 bytes in as many packets as it takes. */
void open_with_long_labels(scene *s, unsigned number)
{
    uint16_t stream = (uint16_t)(s->stream + 2 + 2 * (number / FRAGMENTS));
    unsigned fragment = number % FRAGMENTS;
    bool is_last = fragment == FRAGMENTS - 1;
    begin_packet(s);
    put_chunk(DATA,
              fragment == 0 ? FIRST
              : is_last     ? LAST
                            : 0,
              12 + 1000 + (fragment == 0 ? 12 : 0));
    put_u32(++s->tsn);
    put_u16(stream);
    put_u16(0);
    put_u32(KITH_PPID_DCEP);
    if (fragment == 0) {
        put_u32(0x03000100);
        put_u32(0);
        put_u16(LABEL);
        put_u16(0);
    }
    put_bytes(1000);
    send_packet(s);
}

/* ---- walks ---- */

void withhold_a_message(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE, ++s->tsn, s->stream, ++s->ssn, 1);
    send_packet(s);
}

/* From both ends to the middle, where it is furthest from either. */
void withhold_from_both_ends(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++) {
        unsigned n = number * SHORT_ONES + i;
        uint16_t ssn = (uint16_t)(n % 2 == 0 ? 10 + n / 2 : 20000 - n / 2);
        put_data(WHOLE, ++s->tsn, s->stream, ssn, 1);
    }
    send_packet(s);
}

void withhold_a_tsn(scene *s, unsigned number)
{
    if (number == 0)
        s->tsn++;
    begin_packet(s);
    for (int i = 0; i < SHORT_ONES; i++)
        put_data(WHOLE, ++s->tsn, s->stream, ++s->ssn, 1);
    send_packet(s);
}

/* Fragments of one message, every other one. */
void withhold_fragments(scene *s, unsigned number)
{
    begin_packet(s);
    for (unsigned i = 0; i < SHORT_ONES; i++) {
        unsigned n = (number * SHORT_ONES + i) % 4000;
        uint32_t tsn = s->tsn + 2 + (n % 2 == 0 ? n / 2 * 2 : 4000 - n / 2 * 2);
        put_data(UNORDERED, tsn, s->stream, 0, 1);
    }
    send_packet(s);
}

/* On streams that there are not: an error for each. */
void say_on_no_stream(scene *s, unsigned number)
{
    (void)number;
    begin_packet(s);
    for (unsigned i = 0; i < 50; i++)
        put_data(WHOLE, ++s->tsn, (uint16_t)(60000 + i), 0, 1);
    send_packet(s);
}

/* ---- acknowledgements ---- */

void put_sack_chunk(uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count)
{
    put_chunk(SACK, 0, 12 + 4 * (size_t)count);
    put_u32(cumulative);
    put_u32(1000000);
    put_u16(count);
    put_u16(0);
    for (uint16_t i = 0; i < count; i++) {
        put_u16(blocks[i][0]);
        put_u16(blocks[i][1]);
    }
}

void put_sack(scene *s, uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count)
{
    begin_packet(s);
    put_sack_chunk(cumulative, blocks, count);
    send_packet(s);
}

/* Something of the victim's is in flight and some of it never acknowledged. */
uint32_t make_victim_send(scene *s)
{
    uint32_t acknowledged = s->victims_tsn;
    static const char bytes[200000];
    OK(kith_dc_send(s->victims_dc, bytes, sizeof bytes));
    run_ms(s, 10);
    ck_assert_uint_gt(s->victims_tsn - acknowledged, 5);
    return acknowledged;
}

/* Acknowledges what comes until much is in flight, and gives the last TSN that it acknowledged. */
uint32_t fill_flight(scene *s, uint32_t chunks)
{
    static const char bytes[200000];
    uint32_t acknowledged = make_victim_send(s);
    for (int round = 0; s->victims_tsn - acknowledged < chunks; round++) {
        ck_assert_int_lt(round, 50);
        /* Slow start counts SACKs (RFC 9260 section 7.2.1). */
        for (uint32_t last = s->victims_tsn; acknowledged != last;)
            put_sack(s, ++acknowledged, NULL, 0);
        while (kith_dc_buffered_amount(s->victims_dc) < 5 * sizeof bytes)
            OK(kith_dc_send(s->victims_dc, bytes, sizeof bytes));
        run_ms(s, 10);
    }
    return acknowledged;
}

/* ---- stream resets ---- */

static void put_reset(scene *s, uint32_t tsn, unsigned streams)
{
    begin_packet(s);
    put_chunk(RECONFIG, 0, 16 + 2 * (size_t)streams);
    put_u16(13);
    put_u16((uint16_t)(16 + 2 * streams));
    put_u32(s->request++);
    put_u32(0);
    put_u32(tsn);
    for (unsigned i = 0; i < streams; i++)
        put_u16((uint16_t)(2 + i));
    put_bytes(0);
    send_packet(s);
}

void reset_later(scene *s, unsigned number)
{
    (void)number;
    put_reset(s, s->tsn + 100000, 200);
}

void reset_now(scene *s, unsigned number)
{
    (void)number;
    put_reset(s, s->tsn, 200);
}

/* Resets that are performed are told, and nobody asks. */
void fill_then_reset(scene *s, unsigned number)
{
    if (number < 1000)
        say_long_messages(s, number);
    else
        reset_now(s, number);
}
