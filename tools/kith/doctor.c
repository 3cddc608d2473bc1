/* `kith doctor`: what lies between this machine and its peers, in words or as JSON. It reads
 * options, waits for kith_nat_probe, and prints. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 200, WIDTH = 78, MAX_LIFETIME = 900 };

struct doctor_options {
    struct tool_ice_servers servers;
    bool is_json, loopback;
    long lifetime;
};

/* ---- words ---- */

static const char *answer_text(kith_nat_answer answer)
{
    static const char *const texts[] = {
        [KITH_NAT_UNKNOWN] = "unknown", [KITH_NAT_NO] = "no", [KITH_NAT_YES] = "yes"};
    return texts[answer];
}

/* A paragraph, indented, in lines of at most WIDTH. */
static void print_paragraph(const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column + 1 + word > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += (size_t)printf("%s%.*s", column == 0 ? "  " : " ", (int)word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

static double ms_of(kith_time time)
{
    return (double)time / 1000.0;
}

static const char *format(const kith_address *address, char text[KITH_ADDRESS_TEXT])
{
    return kith_address_format(address, text, KITH_ADDRESS_TEXT);
}

static void print_lifetime(const kith_nat_local *local)
{
    if (local->lifetime_min == 0 && local->lifetime_max == 0)
        return;
    printf("  lifetime   a silent mapping lives ");
    if (local->lifetime_min > 0)
        printf("%lld s", (long long)(local->lifetime_min / KITH_SECONDS(1)));
    if (local->lifetime_max > 0)
        printf("%s %lld s\n", local->lifetime_min > 0 ? ", but not" : "less than",
               (long long)(local->lifetime_max / KITH_SECONDS(1)));
    else
        printf(" or longer\n");
}

static void print_ports(const kith_nat_local *local)
{
    if (local->port_preservation == KITH_NAT_UNKNOWN)
        return;
    if (local->port_preservation == KITH_NAT_YES)
        printf("  ports      kept\n");
    else if (local->port_step != 0)
        printf("  ports      counted on by %d\n", local->port_step);
    else
        printf("  ports      changed\n");
    if (local->is_paired == KITH_NAT_NO)
        printf("  addresses  several, by turns\n");
}

static void print_behavior(const kith_nat_local *local)
{
    printf("  mapping    %s\n", kith_nat_behavior_name(local->mapping));
    printf("  filtering  %s\n", kith_nat_behavior_name(local->filtering));
    if (local->is_translated == KITH_NAT_YES) {
        print_ports(local);
        printf("  hairpin    %s\n", answer_text(local->hairpin));
    }
    if (local->path_mtu > 0)
        printf("  path MTU   %zu bytes%s\n", local->path_mtu,
               local->path_mtu == 1500 ? " or more" : "");
    print_lifetime(local);
}

static void print_local(const kith_nat_local *local, bool asked)
{
    char text[KITH_ADDRESS_TEXT], mapped[KITH_ADDRESS_TEXT];
    printf("%s %s\n", local->address.family == KITH_IPV6 ? "IPv6" : "IPv4",
           format(&local->address, text));
    if (local->is_translated == KITH_NAT_YES)
        printf("  seen as    %s, from port %u: there is a NAT\n", format(&local->mapped, mapped),
               local->socket.port);
    else if (local->is_translated == KITH_NAT_NO)
        printf("  seen as    itself: there is no NAT\n");
    if (local->is_translated != KITH_NAT_UNKNOWN)
        print_behavior(local);
    if (asked)
        print_paragraph(kith_nat_kind_text(local->kind));
    putchar('\n');
}

static void print_relayed(const kith_nat_server *server)
{
    char text[KITH_ADDRESS_TEXT];
    if (server->allocates == KITH_NAT_YES) {
        printf("  TURN by UDP: allocates in %.0f ms:", ms_of(server->allocation_time));
        for (size_t i = 0; i < server->relayed_count; i++)
            printf(" %s", format(&server->relayed[i], text));
        putchar('\n');
    } else if (server->allocates == KITH_NAT_NO) {
        printf("  TURN by UDP: no: %s (%d)\n", server->error_text, server->error_code);
    }
}

static void print_server(const kith_nat_server *server)
{
    char text[KITH_ADDRESS_TEXT];
    printf("%s", server->url);
    if (server->address.family != 0)
        printf(" at %s", format(&server->address, text));
    printf("\n  STUN by UDP: ");
    if (server->answers == KITH_NAT_YES && server->round_trip > 0)
        printf("answers in %.1f ms", ms_of(server->round_trip));
    else if (server->answers == KITH_NAT_YES)
        printf("answers");
    else if (server->answers == KITH_NAT_UNKNOWN)
        printf("not asked: this machine has no address of its family");
    else if (server->error_code != 0 && server->allocates == KITH_NAT_UNKNOWN)
        printf("no: %s (%d)", server->error_text, server->error_code);
    else
        printf("does not answer");
    printf("%s\n", server->answers != KITH_NAT_YES ? ""
                   : server->has_other_address     ? ", and can tell of NATs (RFC 5780)"
                                                   : ", and has no second address (RFC 5780)");
    print_relayed(server);
}

static bool has_family(const kith_nat_report *report, uint8_t family)
{
    for (size_t i = 0; i < report->local_count; i++)
        if (report->locals[i].address.family == family)
            return true;
    return false;
}

static void print_words(const kith_nat_report *report)
{
    bool asked = report->server_count > 0;
    for (size_t i = 0; i < report->local_count; i++)
        print_local(&report->locals[i], asked);
    if (!has_family(report, KITH_IPV4))
        printf("IPv4: this machine has no address.\n\n");
    if (!has_family(report, KITH_IPV6))
        printf("IPv6: this machine has no address but, perhaps, of its own link.\n\n");
    for (size_t i = 0; i < report->server_count; i++)
        print_server(&report->servers[i]);
    printf("%sMulticast DNS, for the .local names of browsers: %s\n", asked ? "\n" : "",
           report->multicast_dns == KITH_NAT_YES  ? "works on this machine"
           : report->multicast_dns == KITH_NAT_NO ? "what is sent is not heard"
                                                  : "not known: another program has port 5353");
    if (!asked)
        printf("How these addresses are seen from outside takes a server to ask: kith doctor "
               "SERVER,\nfor example stun:HOST or " TOOL_TURN_URL ".\n");
}

/* ---- JSON ---- */

static json_t *json_address(const kith_address *address)
{
    char text[KITH_ADDRESS_TEXT];
    return address->family != 0 ? json_string(format(address, text)) : json_null();
}

/* null: unknown. */
static json_t *json_answer(kith_nat_answer answer)
{
    return answer == KITH_NAT_UNKNOWN ? json_null() : json_boolean(answer == KITH_NAT_YES);
}

static json_t *json_behavior(kith_nat_behavior behavior)
{
    return behavior == KITH_NAT_BEHAVIOR_UNKNOWN ? json_null()
                                                 : json_string(kith_nat_behavior_name(behavior));
}

/* null: not known, which is 0. */
static json_t *json_seconds(kith_time time)
{
    return time != 0 ? json_integer(time / KITH_SECONDS(1)) : json_null();
}

static json_t *json_ms(kith_time time)
{
    return time != 0 ? json_real(ms_of(time)) : json_null();
}

static json_t *json_of_local(const kith_nat_local *local)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:s, s:s}",
        "address", json_address(&local->address), "socket", json_address(&local->socket), "mapped",
        json_address(&local->mapped), "udp", json_answer(local->udp), "isTranslated",
        json_answer(local->is_translated), "mapping", json_behavior(local->mapping), "filtering",
        json_behavior(local->filtering), "hairpin", json_answer(local->hairpin), "portPreservation",
        json_answer(local->port_preservation), "isPaired", json_answer(local->is_paired),
        "portStep", local->port_step, "pathMtu",
        local->path_mtu > 0 ? json_integer((json_int_t)local->path_mtu) : json_null(),
        "lifetimeMin", json_seconds(local->lifetime_min), "lifetimeMax",
        json_seconds(local->lifetime_max), "kind", kith_nat_kind_name(local->kind), "text",
        kith_nat_kind_text(local->kind));
}

static json_t *json_of_server(const kith_nat_server *server)
{
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:b}", "url", server->url, "address",
        json_address(&server->address), "transport", "udp", "answers", json_answer(server->answers),
        "roundTripMs", json_ms(server->round_trip), "hasOtherAddress", server->has_other_address);
    if (server->is_turn) {
        json_t *relayed = json_array();
        for (size_t i = 0; i < server->relayed_count; i++)
            json_array_append_new(relayed, json_address(&server->relayed[i]));
        json_object_set_new(object, "allocates", json_answer(server->allocates));
        json_object_set_new(object, "allocationMs", json_ms(server->allocation_time));
        json_object_set_new(object, "relayed", relayed);
    }
    if (server->error_code != 0) {
        json_object_set_new(object, "errorCode", json_integer(server->error_code));
        json_object_set_new(object, "errorText",
                            tool_json_text(server->error_text, strlen(server->error_text)));
    }
    return object;
}

static void print_json(const kith_nat_report *report)
{
    json_t *locals = json_array(), *servers = json_array();
    for (size_t i = 0; i < report->local_count; i++)
        json_array_append_new(locals, json_of_local(&report->locals[i]));
    for (size_t i = 0; i < report->server_count; i++)
        json_array_append_new(servers, json_of_server(&report->servers[i]));
    json_t *all = json_pack("{s:o, s:o, s:o}", "locals", locals, "servers", servers, "multicastDns",
                            json_answer(report->multicast_dns));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

/* ---- the run ---- */

static void show_progress(const struct doctor_options *o, kith_time since, bool ends)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (ends)
        fprintf(stderr, "\r%*s\r", 60, "");
    else if (o->lifetime > 0)
        fprintf(stderr, "\rkith doctor: asking, and waiting for mappings to end: %lld of %ld s ",
                (long long)(since / KITH_SECONDS(1)), o->lifetime + 5);
    else
        fprintf(stderr, "\rkith doctor: asking %zu server%s: %lld s ", o->servers.count,
                o->servers.count == 1 ? "" : "s", (long long)(since / KITH_SECONDS(1)));
}

static const kith_nat_report *wait_for_report(kith_loop *loop, kith_nat_probe *probe,
                                              const struct doctor_options *o)
{
    kith_time began = kith_clock_now();
    while (!kith_nat_probe_report(probe)->is_complete) {
        (void)kith_loop_wait(loop, WAIT_MS);
        show_progress(o, kith_clock_now() - began, false);
    }
    show_progress(o, 0, true);
    return kith_nat_probe_report(probe);
}

static bool is_served(const kith_nat_server *server)
{
    if (server->is_turn && server->allocates != KITH_NAT_UNKNOWN)
        return server->allocates == KITH_NAT_YES;
    return server->answers == KITH_NAT_YES;
}

/* Does each server that was given serve at one of its addresses? */
static bool all_serve(const kith_nat_report *report)
{
    for (size_t i = 0; i < report->server_count; i++) {
        bool serves = false;
        for (size_t k = 0; k < report->server_count; k++)
            serves |= strcmp(report->servers[i].url, report->servers[k].url) == 0 &&
                      is_served(&report->servers[k]);
        if (!serves)
            return false;
    }
    return true;
}

static kith_nat_probe *new_probe(const struct doctor_options *o)
{
    kith_nat_probe *probe = NULL;
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    config.ice_servers = o->servers.servers;
    config.ice_server_count = o->servers.count;
    config.lifetime = KITH_SECONDS(o->lifetime);
    config.multicast_dns = true;
    kith_err err = kith_nat_probe_new(&probe, &config);
    if (err != KITH_OK)
        tool_kith_error("cannot probe", err);
    return probe;
}

static int run(const struct doctor_options *o)
{
    kith_loop *loop = NULL;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    kith_nat_probe *probe = new_probe(o);
    int status = TOOL_FAILED;
    config.loopback = o->loopback;
    kith_err err = probe ? kith_loop_new(&loop, &config) : KITH_OK;
    if (probe && err == KITH_OK)
        err = kith_loop_add_nat_probe(loop, probe);
    if (err != KITH_OK)
        tool_kith_error("cannot start the loop", err);
    if (probe && err == KITH_OK) {
        const kith_nat_report *report = wait_for_report(loop, probe, o);
        if (o->is_json)
            print_json(report);
        else
            print_words(report);
        status = all_serve(report) && fflush(stdout) == 0 ? TOOL_OK : TOOL_FAILED;
    }
    kith_loop_free(loop);
    kith_nat_probe_free(probe);
    return status;
}

/* ---- options ---- */

static const char help[] =
    "Usage: kith doctor [OPTION...] [SERVER...]\n"
    "Tells what lies between this machine and its peers: whether UDP passes, how the NAT behaves\n"
    "(RFC 4787), what packets fit, and whether each STUN and TURN server serves.\n"
    "SERVER is stun:HOST[:PORT], " TOOL_TURN_URL " or HOST[:PORT].\n"
    "How a NAT maps takes two servers, or one with two addresses (RFC 5780), which also tells how\n"
    "it filters: kith turn --discovery is one.\n\n"
    "Options:\n"
    "  --json              print JSON instead of words\n"
    "  --lifetime SECONDS  find out, too, how long a silent mapping lives; takes so long at most\n"
    "  --loopback          ask from the loopback addresses, too\n"
    "  --help              this text\n"
    "The exit status is 0 when every server serves that was given, and 1 otherwise.\n";

enum { OPTION_JSON = 256, OPTION_LIFETIME, OPTION_LOOPBACK, OPTION_HELP };

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"lifetime", required_argument, NULL, OPTION_LIFETIME},
    {"loopback", no_argument, NULL, OPTION_LOOPBACK},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* What begins with no scheme is a host. */
static bool add_server(struct doctor_options *o, const char *text)
{
    static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:"};
    char url[TOOL_ICE_SERVER_TEXT];
    bool has_scheme = false;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        has_scheme |= strncmp(text, schemes[i], strlen(schemes[i])) == 0;
    snprintf(url, sizeof url, "%s%s", has_scheme ? "" : "stun:", text);
    if (!tool_add_ice_server(&o->servers, url, ""))
        return false;
    kith_nat_probe *probe = new_probe(o); /* it asks by less than peers do */
    kith_nat_probe_free(probe);
    return probe;
}

static bool take_option(struct doctor_options *o, int choice)
{
    switch (choice) {
    case OPTION_JSON:
        o->is_json = true;
        return true;
    case OPTION_LIFETIME:
        return tool_read_number(&o->lifetime, optarg, "--lifetime", 10, MAX_LIFETIME);
    case OPTION_LOOPBACK:
        o->loopback = true;
        return true;
    default:
        return false;
    }
}

int kith_tool_doctor(int argc, char **argv)
{
    static struct doctor_options options;
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    for (int i = optind; i < argc; i++)
        if (!add_server(&options, argv[i]))
            return TOOL_USAGE;
    if (options.lifetime > 0 && options.servers.count == 0) {
        tool_error("--lifetime takes a server to ask");
        return TOOL_USAGE;
    }
    return run(&options);
}
