/* `kith serve -- PROGRAM [ARGUMENT...]`: every page that opens a WebSocket at /peer has the program
 * started for it, and talks to that: each message of the page is a line on the program's standard
 * input, each line of its standard output that begins with { a message to the page. Other lines
 * are shown in the terminal, and standard error is the terminal's. Nothing is looked into.
 *
 * When the page is gone the input ends; who goes on after that is asked by SIGTERM and, later,
 * killed. Each has a process group of its own, so that what it started ends with it and Ctrl-C in
 * the terminal does not overtake the end of its input. Its process is waited for last of all: until
 * then no other group can have its number. */
#include "serve.h"

#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* For ending well, and then for doing as SIGTERM says. */
#define PATIENCE KITH_SECONDS(2)

/* Bytes that a program has not read. */
enum { MAX_UNREAD = SERVE_MAX_WAITING };

extern char **environ;

struct program {
    struct program *next;
    struct programs *owner;
    /* NULL: the page is gone */
    ws_session *session;
    pid_t pid;
    int pid_fd, input, output;
    /* its end, and the next signal */
    kith_watch *watch;
    lines_reader *reader;
    lines_writer *writer;
    bool is_ending;
    bool has_exited, output_ended, is_terminated;
};

struct programs {
    kith_loop *loop;
    /* ends with NULL */
    char **arguments;
    const char *name;
    struct program *all;
    int count;
};

struct programs *programs_new(kith_loop *loop, char **arguments)
{
    struct programs *programs = tool_alloc(sizeof *programs);
    const char *slash = strrchr(arguments[0], '/');
    *programs = (struct programs){.loop = loop, .arguments = arguments};
    programs->name = slash ? slash + 1 : arguments[0];
    return programs;
}

/* ---- its end ---- */

/* "has ended", "has ended with status 1", "was ended by signal 11" */
static void describe_end(int status, char *words, size_t cap)
{
    if (WIFSIGNALED(status))
        snprintf(words, cap, "was ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(words, cap, "has ended with status %d", WEXITSTATUS(status));
    else
        snprintf(words, cap, "has ended");
}

static void tell_end(struct program *program, int status)
{
    char words[64], reason[256];
    if (!program->session)
        return;
    describe_end(status, words, sizeof words);
    if (status != 0)
        tool_error("%s %s", program->owner->name, words);
    snprintf(reason, sizeof reason, "%.60s %s. Reload the page to start it again.",
             program->owner->name, words);
    program->session->state = NULL;
    ws_close(program->session, CLOSE_GOING_AWAY, reason);
}

static void finish(struct program *program)
{
    int status = 0;
    struct program **at = &program->owner->all;
    while (*at != program)
        at = &(*at)->next;
    *at = program->next;
    program->owner->count--;
    waitpid(program->pid, &status, 0);
    tell_end(program, status);
    kith_loop_stop(program->owner->loop); /* programs_free may wait for it */
    kith_watch_free(program->watch);
    lines_reader_free(program->reader);
    lines_writer_free(program->writer);
    close(program->pid_fd);
    close(program->output);
    if (program->input >= 0)
        close(program->input);
    free(program);
}

/* Signals are due from now on, unless they are already. */
static void begin_to_end(struct program *program)
{
    if (!program->is_ending)
        kith_watch_set(program->watch, KITH_READ, kith_clock_now() + PATIENCE);
    program->is_ending = true;
}

static void terminate(struct program *program)
{
    unsigned interest = program->has_exited ? 0 : KITH_READ;
    kith_time next = program->is_terminated ? KITH_NEVER : kith_clock_now() + PATIENCE;
    kill(-program->pid, program->is_terminated ? SIGKILL : SIGTERM);
    program->is_terminated = program->is_ending = true;
    kith_watch_set(program->watch, interest, next);
}

/* What it started may hold its output still. */
static void take_exit(struct program *program)
{
    program->has_exited = true;
    if (program->output_ended) {
        finish(program);
        return;
    }
    program->is_terminated = false;
    terminate(program);
}

static void on_watch(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)loop;
    (void)watch;
    if (ready & KITH_READ)
        take_exit(user);
    else
        terminate(user);
}

static void on_output_end(void *user, const char *words)
{
    struct program *program = user;
    if (words)
        tool_error("%s: %s", program->owner->name, words);
    program->output_ended = true;
    if (program->has_exited)
        finish(program);
}

static void end_input(struct program *program)
{
    lines_writer_free(program->writer);
    program->writer = NULL;
    close(program->input);
    program->input = -1;
    begin_to_end(program);
}

void programs_free(struct programs *programs)
{
    if (!programs)
        return;
    while (programs->all)
        kith_loop_work(programs->loop, -1); /* until one ends: finish */
    free(programs);
}

/* ---- its beginning ---- */

/* As a shell would start it: with no signal blocked or ignored. The pipes' other ends are closed
 * by exec. An errno. */
static int spawn(pid_t *pid, char **arguments, int input, int output)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, ignored;
    sigemptyset(&none);
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int error = posix_spawnp(pid, arguments[0], &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void close_both(const int pipe[2])
{
    close(pipe[0]);
    close(pipe[1]);
}

/* Fills in the process and our ends of its pipes; an errno. */
static int start(struct program *program)
{
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(output, O_CLOEXEC) != 0) {
        int error = errno;
        close_both(input);
        return error;
    }
    int error = spawn(&program->pid, program->owner->arguments, input[0], output[1]);
    if (error != 0) {
        close_both(input);
        close_both(output);
        return error;
    }
    close(input[0]);
    close(output[1]);
    program->input = input[1];
    program->output = output[0];
    program->pid_fd = pidfd_open(program->pid, 0);
    return 0;
}

/* ---- what the page and the program say ---- */

static void on_line(void *user, const char *text, size_t len, unsigned long number)
{
    struct program *program = user;
    (void)number;
    if (text[0] != '{') {
        puts(text);
        fflush(stdout);
    } else if (program->session) {
        ws_send(program->session, text, len);
    }
}

static void adopt(struct programs *programs, struct program *program, ws_session *session)
{
    program->session = session;
    program->next = programs->all;
    programs->all = program;
    programs->count++;
    session->state = program;
    program->reader =
        lines_reader_new(programs->loop, program->output, on_line, on_output_end, program);
    program->writer = lines_writer_new(programs->loop, program->input, NULL, NULL);
    if (!program->reader || !program->writer ||
        kith_loop_watch(&program->watch, programs->loop, program->pid_fd, on_watch, program) !=
            KITH_OK) {
        tool_error("cannot wait for a program: %s", kith_last_error()->message);
        exit(TOOL_FAILED);
    }
    kith_watch_set(program->watch, KITH_READ, KITH_NEVER);
}

static void opened(ws_session *session)
{
    struct programs *programs = session->serve->programs;
    char reason[256];
    if (programs->count == SERVE_MAX_PAGES) {
        ws_close(session, CLOSE_TOO_MANY, "there are too many pages");
        return;
    }
    struct program *program = tool_alloc(sizeof *program);
    program->owner = programs;
    int error = start(program);
    if (error != 0) {
        snprintf(reason, sizeof reason, "%.80s cannot be started: %s", programs->arguments[0],
                 strerror(error));
        tool_error("%s", reason);
        ws_close(session, CLOSE_GOING_AWAY, reason);
        free(program);
        return;
    }
    ws_send_welcome(session, json_pack("{s:s, s:s}", "kith", "welcome", "program", programs->name));
    adopt(programs, program, session);
}

/* A line feed in JSON is a space as good as any other (RFC 8259 section 2). */
static void take_text(ws_session *session, const char *text, size_t len)
{
    struct program *program = session->state;
    if (!program)
        return;
    char *line = tool_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        line[i] = text[i] == '\n' || text[i] == '\r' || text[i] == '\0' ? ' ' : text[i];
    lines_write_text(program->writer, line);
    free(line);
    if (lines_waiting(program->writer) > MAX_UNREAD)
        ws_close(session, CLOSE_POLICY, "the program does not read what is sent to it");
}

static void gone(ws_session *session)
{
    struct program *program = session->state;
    if (!program)
        return;
    session->state = NULL;
    program->session = NULL;
    end_input(program);
}

const struct ws_role program_role = {opened, take_text, gone, NULL};
