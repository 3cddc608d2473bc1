/* The inside of a probe of the network: what the files of this room share.
 *
 *   probe.c     making and freeing, sockets, names, packets in and out, time
 *   test.c      one request of STUN: sent until it is answered or given up
 *   plan.c      which requests follow on which, for each local address
 *   relay.c     the trial of a TURN server
 *   verdict.c   from answers to what RFC 4787 calls it; and its words
 *
 * A local address is a line, with sockets of its own. On one of them every server is asked, which
 * tells of the mapping; another one sends to one server alone, so that nothing but that server's
 * address is let in by the filter that it tells of. */
#ifndef KITH_NAT_NAT_H
#define KITH_NAT_NAT_H

#include "base/address.h"
#include "kith/nat.h"
#include "turn/turn.h"
#include "wire/ice_url.h"
#include "wire/stun.h"

/* ---- sockets ---- */

typedef enum kith_nat_socket_state {
    KITH_NAT_SOCKET_NONE,
    KITH_NAT_SOCKET_WANTED,
    KITH_NAT_SOCKET_ASKED,
    KITH_NAT_SOCKET_OPEN,
    KITH_NAT_SOCKET_FAILED,
    KITH_NAT_SOCKET_UNWANTED,
} kith_nat_socket_state;

typedef struct kith_nat_socket {
    kith_nat_socket_state state;
    uint64_t request_id;
    kith_address local;
} kith_nat_socket;

/* Silences after which a mapping is asked for, in RFC 5780 section 4.6 found one after the other: a
 * socket for each of them, all at once. */
#define KITH_NAT_LIFETIMES 12

/* Of a line, by what it is for. */
enum {
    /* asks every server */
    KITH_NAT_SOCKET_MAPPING,
    /* asks one server, and nobody else */
    KITH_NAT_SOCKET_FILTERING,
    /* ask that server, and each other by the NAT's addresses */
    KITH_NAT_SOCKET_HAIRPIN,
    KITH_NAT_SOCKET_OTHER,
    /* whose mappings fall silent */
    KITH_NAT_SOCKET_SILENT,
    KITH_NAT_SOCKETS = KITH_NAT_SOCKET_SILENT + KITH_NAT_LIFETIMES
};
/* Those that every line has. */
#define KITH_NAT_FIRST_SOCKETS KITH_NAT_SOCKET_SILENT

/* ---- tests ---- */

typedef enum kith_nat_test_state {
    KITH_NAT_TEST_NONE,
    /* waits for `next_at`, and is sent then */
    KITH_NAT_TEST_RUNNING,
    KITH_NAT_TEST_ANSWERED,
    /* refused by an error of the server's */
    KITH_NAT_TEST_REFUSED,
    KITH_NAT_TEST_SILENT,
} kith_nat_test_state;

typedef struct kith_nat_test {
    kith_nat_test_state state;
    uint8_t id[KITH_STUN_ID];
    /* the sockets it leaves from, and where it or its answer must come */
    unsigned from_socket, to_socket;
    kith_address to;
    /* of CHANGE-REQUEST; 0: none */
    uint32_t change;
    /* RESPONSE-PORT; 0: none */
    uint16_t response_port;
    /* of the IP packet; 0: as it is */
    size_t size;
    /* not our server's answer is waited for but the request itself */
    bool is_hairpin;
    bool has_nonce;
    unsigned sent;
    kith_time began_at, next_at;
    /* what came of it */
    kith_address mapped, other, came_from;
    /* 0: it was repeated */
    kith_time round_trip;
    int error_code;
} kith_nat_test;

/* Sizes of IP packets that the path MTU is looked for among. */
#define KITH_NAT_SIZES 14

/* Of a line, by what they are for. */
enum {
    KITH_NAT_TEST_REACH,
    /* the same server, by the other sockets in turn: how its ports are chosen */
    KITH_NAT_TEST_PORT = KITH_NAT_TEST_REACH + KITH_NAT_MAX_SERVERS,
    /* RFC 5780 section 4.3, tests II and III */
    KITH_NAT_TEST_OTHER_IP = KITH_NAT_TEST_PORT + 3,
    KITH_NAT_TEST_OTHER_BOTH,
    /* RFC 5780 section 4.4, tests II and III */
    KITH_NAT_TEST_FROM_BOTH,
    KITH_NAT_TEST_FROM_PORT,
    KITH_NAT_TEST_HAIRPIN,
    KITH_NAT_TEST_SIZE = KITH_NAT_TEST_HAIRPIN + 2,
    /* a mapping is made, and later asked for */
    KITH_NAT_TEST_MAKE = KITH_NAT_TEST_SIZE + KITH_NAT_SIZES,
    KITH_NAT_TEST_LIVES = KITH_NAT_TEST_MAKE + KITH_NAT_LIFETIMES,
    KITH_NAT_TESTS = KITH_NAT_TEST_LIVES + KITH_NAT_LIFETIMES
};

/* ---- a local address ---- */

typedef enum kith_nat_stage {
    KITH_NAT_OPENING,
    KITH_NAT_REACHING,
    KITH_NAT_PORTS,
    KITH_NAT_BEHAVIOR,
    KITH_NAT_LIFETIME,
    KITH_NAT_DONE,
} kith_nat_stage;

#define KITH_NAT_MAX_NONCE 128

typedef struct kith_nat_line {
    struct kith_nat_probe *probe;
    kith_nat_local *local;
    kith_nat_stage stage;
    kith_time stage_at;
    kith_nat_socket sockets[KITH_NAT_SOCKETS];
    kith_nat_test tests[KITH_NAT_TESTS];
    /* the server that tells of the NAT, and its other address; family 0: none */
    kith_address server, other;
    /* of that server, for KITH_NAT_SOCKET_OTHER */
    uint8_t nonce[KITH_NAT_MAX_NONCE];
    size_t nonce_len;
} kith_nat_line;

/* ---- a server ---- */

/* One address of a server, and the trial of an allocation there. */
typedef struct kith_nat_target {
    kith_nat_server *server;
    const char *username, *credential;
    /* a name that is asked for; 0: none */
    uint64_t request_id;
    bool wants_name;
    kith_ice_url url;
    kith_turn *turn;
    kith_nat_socket socket;
    uint32_t tag;
    kith_time began_at, ends_at;
    bool is_tried;
    char *error_text;
} kith_nat_target;

struct kith_nat_probe {
    kith_time lifetime;
    bool awaits_multicast_dns;
    kith_nat_line *lines[KITH_NAT_MAX_LOCALS];
    kith_nat_local locals[KITH_NAT_MAX_LOCALS];
    kith_nat_target targets[KITH_NAT_MAX_SERVERS];
    kith_nat_server servers[KITH_NAT_MAX_SERVERS];
    kith_nat_report report;
    /* texts of the configuration */
    char **texts;
    size_t text_count;
    uint64_t last_request;
    kith_request request;
    /* names are given up then; 0: the first call with `now` has not come */
    kith_time names_until;
};

/* ---- test.c ---- */

/* Begins at `at`; to_socket, change, … are set afterwards. */
kith_nat_test *kith_nat_test_start(kith_nat_line *line, unsigned index, unsigned socket,
                                   const kith_address *to, kith_time at);
bool kith_nat_test_is_settled(const kith_nat_test *test);
static inline bool kith_nat_test_has_answer(const kith_nat_test *test)
{
    return test->state == KITH_NAT_TEST_ANSWERED;
}
/* Writes it, if it is due; 0: it is not. */
size_t kith_nat_test_output(kith_nat_line *line, kith_nat_test *test, kith_time now,
                            kith_packet_info *info, kith_writer *w);
/* Gives up what waited long enough. */
void kith_nat_test_tick(kith_nat_test *test, kith_time now);
/* A message of STUN came to a socket of the line. */
void kith_nat_line_input(kith_nat_line *line, kith_time now, const kith_path *path,
                         const kith_stun *m);

/* ---- plan.c ---- */

/* Begins what is to begin by what is known. */
void kith_nat_line_advance(kith_nat_line *line, kith_time now);
/* When slow servers are waited for no longer. */
kith_time kith_nat_line_slow_at(const kith_nat_line *line);
/* The silence after which the mapping of the index-th socket is asked for. */
kith_time kith_nat_lifetime_at(unsigned index);
/* The size of the IP packet of the index-th KITH_NAT_TEST_SIZE. */
size_t kith_nat_size_at(unsigned index);
/* Its head of IP and UDP, bytes. */
size_t kith_nat_head_of(uint8_t family);

/* ---- relay.c ---- */

/* Begins the trial from this local address. */
void kith_nat_relay_start(kith_nat_target *target, const kith_address *local);
void kith_nat_relay_advance(kith_nat_target *target, kith_time now);
void kith_nat_relay_input(kith_nat_target *target, kith_time now, const kith_stun *m);
size_t kith_nat_relay_output(kith_nat_target *target, kith_time now, kith_packet_info *info,
                             kith_writer *w);
kith_time kith_nat_relay_deadline(const kith_nat_target *target);
void kith_nat_relay_free(kith_nat_target *target);
/* Why the server does not serve. */
void kith_nat_target_fail(kith_nat_target *target, int code, const char *text);

/* ---- verdict.c ---- */

/* Fills in what the line's tests tell. */
void kith_nat_judge(kith_nat_line *line);

/* ---- probe.c ---- */

/* Is asked for with the next requests. */
void kith_nat_socket_want(kith_nat_socket *socket, const kith_address *local);
void kith_nat_socket_drop(kith_nat_socket *socket);
bool kith_nat_names_are_known(const struct kith_nat_probe *probe);

#endif
