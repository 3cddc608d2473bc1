/* What `kith turn` is told on its command line. */
#ifndef KITH_TOOL_TURN_OPTIONS_H
#define KITH_TOOL_TURN_OPTIONS_H

#include "tool.h"

/* Lists grow by tool_resize. What they point to are arguments, or lines that live as long as the
 * process. */
struct turn_options {
    kith_address listen[KITH_TURN_SERVER_MAX_LOCALS];
    size_t listen_count;
    /* of every address, unless some are listed */
    uint16_t port;
    bool has_port, stun_only, no_tcp;
    /* of --listen; the rest, behind them, are there for --discovery */
    size_t told_count;
    /* of every address, where there is a certificate */
    uint16_t tls_port;
    bool has_tls_port;
    /* files; NULL: no TLS */
    const char *certificate, *private_key;
    /* family 0: none */
    kith_address metrics;
    /* by family, which is 0 where there is none: IPv4, IPv6 */
    kith_address external[2], relay[2];
    kith_turn_user *users;
    const char **denied, **allowed;
    size_t user_count, denied_count, allowed_count;
    kith_turn_server_config config;
    char made_password[TOOL_RANDOM_TEXT];
};

/* -1, or the exit status when there is nothing to serve. */
int turn_options_read(struct turn_options *o, int argc, char **argv);
/* One more text in a list that ends with NULL. */
void turn_options_add(const char ***list, size_t *count, const char *text);

#endif
