/* A victim, an honest peer and an attacker, which has all the keys and speaks SCTP by hand; and
 * what it says. */
#ifndef KITH_TESTS_SIM_HOSTILE_H
#define KITH_TESTS_SIM_HOSTILE_H

#include "../unit/unit.h"
#include "base/writer.h"
#include "kith/kith.h"
#include "pc/pc.h"
#include "sctp/usrsctp/association.h"
#include "wire/dcep.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define DATA        0
#define INIT        1
#define INIT_ACK    2
#define SACK        3
#define HEARTBEAT   4
#define ERROR       9
#define RECONFIG    130
#define FORWARD_TSN 192

/* Flags of DATA (RFC 9260 section 3.3.1). */
#define LAST      1
#define FIRST     2
#define WHOLE     3
#define UNORDERED 4

typedef struct scene {
    world *world;
    host *victim, *attacker, *honest;
    /* of the victim towards both, and theirs */
    kith_pc *towards_attacker, *towards_honest, *attackers, *honests;
    kith_dc *honest_dc, *victims_dc;
    unsigned opened, honest_messages, attackers_messages;
    /* of the attacker's last message */
    size_t last_len;
    /* of the victim's channel to the honest peer; how long messages between the two took at most */
    kith_dc *to_honest;
    kith_time longest;
    /* what the attacker knows: the victim's tag, its own last TSN and SSN, its next request, and
     * the victim's last TSN */
    uint32_t tag, tsn, request, victims_tsn;
    uint16_t ssn, stream;
    /* of the victim: ERROR chunks, and its last SACK with its gap ack blocks */
    unsigned errors;
    uint32_t acknowledged;
    uint16_t block_count, blocks[300][2];
    /* its own engine neither hears nor speaks any more */
    bool by_hand;
    /* its packets' cost is counted from here on */
    bool is_measured;
    size_t heap_before, heap_most;
    uint64_t list_steps, most_steps;
} scene;

void begin_scene(scene *s);
/* Asserts that memory and walks stayed within bounds, and that the honest peer lives. */
void end_scene(scene *s);
void run_ms(scene *s, int ms);
kith_sctp *sctp_of(kith_pc *pc);
kith_hub_counts counts_of(const scene *s);

/* `count` packets, 20 in a millisecond, while the honest two talk. */
void attack(scene *s, unsigned count, void (*one)(scene *s, unsigned number));
/* A scene with nothing but this in it. */
void check(unsigned count, bool is_asleep, void (*one)(scene *s, unsigned number));

/* ---- the attacker's voice: one packet at a time ---- */

void begin_packet(const scene *s);
void put_chunk(uint8_t type, uint8_t flags, size_t body);
void put_u16(uint16_t value);
void put_u32(uint32_t value);
void put_bytes(size_t count);
void put_data(uint8_t flags, uint32_t tsn, uint16_t stream, uint16_t ssn, size_t len);
void put_sack_chunk(uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count);
/* The victim hears it. */
void send_packet(scene *s);
void send_datagram(scene *s, const uint8_t *datagram, size_t len);
void put_sack(scene *s, uint32_t cumulative, uint16_t (*blocks)[2], uint16_t count);

/* ---- attacks: one packet each ---- */

void say_short_messages(scene *s, unsigned number);
void say_long_messages(scene *s, unsigned number);
/* Fragments of a message without end. */
void go_on_in_order(scene *s, unsigned number);
void go_on_unordered(scene *s, unsigned number);
/* One message after the other begins, and none ends. */
void begin_messages(scene *s, unsigned number);
/* Channel after channel is opened, with a label of 65000 bytes in as many packets as it takes. */
#define FRAGMENTS 65
void open_with_long_labels(scene *s, unsigned number);
void withhold_a_message(scene *s, unsigned number);
/* From both ends to the middle, where it is furthest from either. */
void withhold_from_both_ends(scene *s, unsigned number);
void withhold_a_tsn(scene *s, unsigned number);
/* Fragments of one message, every other one. */
void withhold_fragments(scene *s, unsigned number);
/* 50 chunks. */
void say_on_no_stream(scene *s, unsigned number);
void reset_later(scene *s, unsigned number);
void reset_now(scene *s, unsigned number);
/* Resets that are performed are told, and nobody asks. */
void fill_then_reset(scene *s, unsigned number);

/* Something of the victim's is in flight and some of it never acknowledged: the last TSN that is.
 */
uint32_t make_victim_send(scene *s);
/* Acknowledges what comes until so much is in flight; the last TSN that it acknowledged. */
uint32_t fill_flight(scene *s, uint32_t chunks);

#endif
