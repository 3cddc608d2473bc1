/* The `kith` command: a table of subcommands, each in a file of its own name. */
#include "tool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct subcommand {
    const char *name;
    const char *title; /* prefix of its messages */
    int (*run)(int argc, char **argv);
    const char *help;
} subcommands[] = {
    {"serve", "kith serve", kith_tool_serve,
     "a web page, a signalling hub and a peer to connect to from a browser"},
    {"peer", "kith peer", kith_tool_peer, "one peer with JSON lines on standard input and output"},
    {"turn", "kith turn", kith_tool_turn, "a STUN and TURN server"},
    {"doctor", "kith doctor", kith_tool_doctor,
     "what lies between this machine and its peers: NAT, UDP, servers"},
    {"bench", "kith bench", kith_tool_bench,
     "measure throughput, set-up, latency, memory, SRTP, audio and video"},
    {"sdp", "kith sdp", kith_tool_sdp, "read a session description and print it as JSON"},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(FILE *to)
{
    fputs("Usage: kith COMMAND [ARGUMENT...]\n"
          "A WebRTC peer for the command line.\n\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(to, "  %-8s %s\n", subcommands[i].name, subcommands[i].help);
    fputs("\nOptions:\n"
          "  --help     this text; `kith COMMAND --help` explains a command\n"
          "  --version  the version of the tool and of the library it runs with\n",
          to);
}

/* A standard descriptor that is closed must not become that of a socket: it is a file at its end
 * for reading, and one that cannot be written. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            _exit(TOOL_FAILED);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : NULL;
    open_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write, not our end */
    if (!command) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
        strcmp(command, "help") == 0) {
        print_help(stdout);
        return TOOL_OK;
    }
    if (strcmp(command, "--version") == 0) {
        printf("kith %d.%d.%d (library %s)\n", KITH_VERSION_MAJOR, KITH_VERSION_MINOR,
               KITH_VERSION_PATCH, kith_version());
        return TOOL_OK;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(command, subcommands[i].name) == 0) {
            tool_set_name(subcommands[i].title);
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    tool_error("unknown %s %s (see kith --help)", command[0] == '-' ? "option" : "command",
               command);
    return TOOL_USAGE;
}
