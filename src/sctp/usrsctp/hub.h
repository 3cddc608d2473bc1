/* Where all associations of the process meet the one usrsctp: its set-up, the table of ids, the
 * clock wheel, and a queue of outgoing packets for each association. With the reserve of
 * memory.c the only process-global state of kith, never torn down.
 *
 * usrsctp calls back only inside our own calls, with its locks held; a callback therefore does no
 * more than append to the queue of the association it is for. */
#ifndef KITH_SCTP_HUB_H
#define KITH_SCTP_HUB_H

#include "kith/base.h"

/* usrsctp's timers run in steps of this. */
#define KITH_HUB_TICK KITH_MS(10)

/* An association's place at the hub. */
typedef struct kith_hub_port kith_hub_port;

typedef struct kith_hub_config {
    /* SCTP port on the wire */
    uint16_t local_port;
    void (*wake)(void *user);
    void *wake_user;
} kith_hub_config;

KITH_MUST_CHECK kith_err kith_hub_attach(kith_hub_port **out, const kith_hub_config *config);
/* Afterwards nobody calls `wake` any more; waits for one that is under way in another thread. */
void kith_hub_detach(kith_hub_port *port);

/* The AF_CONN address and port that usrsctp knows the association by. The address is a number, not
 * a pointer: it goes on the wire in cookies, and packets may come after the association is gone.
 * The port is not the one on the wire either, because usrsctp walks over all endpoints of a port.
 */
void *kith_hub_address(const kith_hub_port *port);
uint16_t kith_hub_inner_port(const kith_hub_port *port);

/* Around every call into usrsctp: tells the time, runs due timers of all associations, and says
 * whose call it is. leave wakes the owners of other associations that got something to send. */
void kith_hub_enter(kith_hub_port *port, kith_time now);
/* The same for a call that has no time: the thread's last one stands. */
void kith_hub_enter_untimed(kith_hub_port *port);
void kith_hub_leave(void);
/* When the wheel wants to be turned next, for an association that has timers. */
kith_time kith_hub_next_tick(void);
/* When a timer of the socket's association is due; KITH_NEVER: none runs. With a usrsctp that does
 * not tell: the next tick. */
struct socket;
kith_time kith_hub_next_timer(struct socket *socket);

/* Between enter and leave: a packet from the wire to usrsctp. */
void kith_hub_input(kith_hub_port *port, const uint8_t *data, size_t len);
/* Does a SACK wait, because they come faster than what they cost is paid for? */
bool kith_hub_has_sack(const kith_hub_port *port);
/* Between enter and leave: hands it to usrsctp when it has waited for a tick. */
void kith_hub_input_sack(kith_hub_port *port);
/* Takes the oldest outgoing packet, which leaves now; 0: none. One that is longer than cap is
 * dropped. */
size_t kith_hub_output(kith_hub_port *port, kith_time now, uint8_t *buf, size_t cap);
/* Outgoing packets that were not asked for leave no more. */
void kith_hub_drop_output(kith_hub_port *port);
/* Bytes of outgoing packets. */
size_t kith_hub_waiting(kith_hub_port *port);

/* Something may be read, since the last time this was asked. */
bool kith_hub_take_readable(kith_hub_port *port);
/* For usrsctp_set_upcall, with kith_hub_address as its argument. */
void kith_hub_upcall(struct socket *socket, void *address, int flags);

/* User bytes that usrsctp was handed and has not yet put into a packet; DATA chunks that leave are
 * counted off. Announce them before the call that hands them over, take back what it did not
 * accept. usrsctp may drop some unsent (partial reliability): they are never more than `inside`,
 * what it says it holds. */
void kith_hub_handing(kith_hub_port *port, size_t bytes);
void kith_hub_not_handed(kith_hub_port *port, size_t bytes);
size_t kith_hub_unsent(kith_hub_port *port, size_t inside);

typedef struct kith_hub_counts {
    uint64_t packets, retransmits, dropped;
    /* entries of its sorted lists that usrsctp walked over to place what came in */
    uint64_t list_steps;
} kith_hub_counts;
void kith_hub_get_counts(kith_hub_port *port, kith_hub_counts *counts);

/* Scratch of the calling thread, for one call into usrsctp. */
#define KITH_HUB_SCRATCH 65536
uint8_t *kith_hub_scratch(void);

#endif
