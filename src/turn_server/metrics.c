/* The counters in the text format of Prometheus. */
#include "base/writer.h"
#include "turn_server/server.h"

static const struct metric {
    const char *name, *type, *help;
    size_t at;
} metrics[] = {
#define METRIC(member, type, help)                                       \
    {                                                                    \
#member, type, help, offsetof(kith_turn_server_counters, member) \
    }
    METRIC(allocations, "gauge", "Allocations of the present."),
    METRIC(allocations_made, "counter", "Allocations that were made."),
    METRIC(allocations_expired, "counter", "Allocations that were not refreshed."),
    METRIC(allocations_released, "counter", "Allocations that their clients ended."),
    METRIC(bindings, "counter", "Binding requests that were answered."),
    METRIC(challenges, "counter", "Requests without credentials, answered with 401."),
    METRIC(stale_nonces, "counter", "Requests with a nonce that is not valid, answered with 438."),
    METRIC(permissions, "counter", "Permissions that were made or renewed."),
    METRIC(channels, "counter", "Channels that were bound or renewed."),
    METRIC(errors, "counter", "Other errors that were answered."),
    METRIC(errors_limited, "counter", "Errors that were not answered: too many for one source."),
    METRIC(wrong_credentials, "counter", "Requests of no known user or with a wrong password."),
    METRIC(denied_peers, "counter", "Permissions and channels for peers that are denied."),
    METRIC(quota_reached, "counter", "Allocations that a quota did not allow."),
    METRIC(to_peers_packets, "counter", "Packets relayed to peers."),
    METRIC(to_peers_bytes, "counter", "Bytes relayed to peers."),
    METRIC(to_clients_packets, "counter", "Packets relayed to clients."),
    METRIC(to_clients_bytes, "counter", "Bytes relayed to clients."),
    METRIC(unpermitted, "counter", "Packets to or from peers without permission."),
    METRIC(above_rate, "counter", "Packets above the rate of their allocation."),
    METRIC(unsent, "counter", "Packets that a full socket did not take."),
    METRIC(unknown, "counter", "Datagrams that are neither STUN nor of a channel."),
    METRIC(streams, "gauge", "TCP connections of the present."),
    METRIC(streams_accepted, "counter", "TCP connections that were accepted."),
    METRIC(streams_refused, "counter", "TCP connections above the limit of their address."),
    METRIC(streams_ended, "counter", "TCP connections that had no allocation for too long."),
    METRIC(tls_failures, "counter", "TLS handshakes and connections that broke."),
    METRIC(dropped, "counter", "Messages dropped for slow TCP connections."),
#undef METRIC
};

char *kith_turn_server_metrics(const kith_turn_server *server)
{
    kith_writer w = kith_wr_growing();
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct metric *m = &metrics[i];
        uint64_t value = *(const uint64_t *)(const void *)((const char *)&server->counters + m->at);
        const char *unit = m->type[0] == 'c' ? "_total" : "";
        kith_wr_print(&w,
                      "# HELP kith_turn_%s%s %s\n# TYPE kith_turn_%s%s %s\nkith_turn_%s%s %llu\n",
                      m->name, unit, m->help, m->name, unit, m->type, m->name, unit,
                      (unsigned long long)value);
    }
    return kith_wr_take_text(&w);
}
