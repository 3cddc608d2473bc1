/* Texts as lines on two descriptors. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signaler/wire.h"

/* Bytes that nobody has read. */
#define MAX_WAITING ((size_t)4 * 1024 * 1024)

struct kith_lines {
    int input, output;
    kith_watch *reader, *writer;
    const kith_wire_callbacks *callbacks;
    void *user;
    char *in, *out;
    size_t in_len, in_cap, out_len, out_cap;
    bool has_ended;
    /* within a callback; closed in one, to be freed after it */
    bool is_calling, is_closed;
};

static void end(kith_lines *lines, const char *words)
{
    if (lines->has_ended)
        return;
    lines->has_ended = true;
    kith_watch_set(lines->reader, 0, KITH_NEVER);
    kith_watch_set(lines->writer, 0, KITH_NEVER);
    if (!lines->is_closed)
        lines->callbacks->closed(lines->user, words, true);
}

static bool grow(char **data, size_t *cap, size_t len)
{
    if (len <= *cap)
        return true;
    char *moved = realloc(*data, 2 * len);
    if (!moved)
        return false;
    *data = moved;
    *cap = 2 * len;
    return true;
}

static void cut_lines(kith_lines *lines)
{
    size_t from = 0;
    for (char *at;
         !lines->is_closed && (at = memchr(lines->in + from, '\n', lines->in_len - from));) {
        size_t len = (size_t)(at - (lines->in + from));
        *at = '\0';
        if (len > 0)
            lines->callbacks->text(lines->user, lines->in + from, len);
        from += len + 1;
    }
    memmove(lines->in, lines->in + from, lines->in_len - from);
    lines->in_len -= from;
}

static void release(kith_lines *lines)
{
    kith_watch_free(lines->reader);
    kith_watch_free(lines->writer);
    free(lines->in);
    free(lines->out);
    free(lines);
}

static void read_more(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    kith_lines *lines = user;
    (void)loop;
    (void)watch;
    (void)ready;
    lines->is_calling = true;
    if (!grow(&lines->in, &lines->in_cap, lines->in_len + 65536)) {
        end(lines, "out of memory");
    } else {
        ssize_t got = read(lines->input, lines->in + lines->in_len, 65536);
        if (got > 0) {
            lines->in_len += (size_t)got;
            cut_lines(lines);
            if (lines->in_len > KITH_WIRE_MAX_MESSAGE)
                end(lines, "a line is too long");
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            end(lines, got == 0 ? "the input has ended" : "the input cannot be read");
        }
    }
    lines->is_calling = false;
    if (lines->is_closed)
        release(lines);
}

/* No more than a pipe takes when it says that it takes something. */
static bool write_some(kith_lines *lines)
{
    size_t len = lines->out_len < PIPE_BUF ? lines->out_len : PIPE_BUF;
    ssize_t sent = write(lines->output, lines->out, len);
    if (sent < 0)
        return errno == EINTR || errno == EAGAIN;
    memmove(lines->out, lines->out + sent, lines->out_len - (size_t)sent);
    lines->out_len -= (size_t)sent;
    return true;
}

static void write_more(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    kith_lines *lines = user;
    (void)loop;
    (void)ready;
    lines->is_calling = true;
    if (lines->out_len == 0 || !write_some(lines))
        end(lines, "nobody reads the output");
    else if (lines->out_len == 0)
        kith_watch_set(watch, KITH_GONE, KITH_NEVER);
    lines->is_calling = false;
    if (lines->is_closed)
        release(lines);
}

kith_err kith_lines_open(kith_lines **out, kith_loop *loop, int input, int output,
                         const kith_wire_callbacks *callbacks, void *user)
{
    kith_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return kith_set_last_error(KITH_ERR_NO_MEMORY, "out of memory");
    *lines = (kith_lines){.input = input, .output = output, .callbacks = callbacks, .user = user};
    kith_err err = kith_loop_watch(&lines->reader, loop, input, read_more, lines);
    if (err == KITH_OK)
        err = kith_loop_watch(&lines->writer, loop, output, write_more, lines);
    if (err != KITH_OK) {
        release(lines);
        return err;
    }
    kith_watch_set(lines->reader, KITH_READ, KITH_NEVER);
    kith_watch_set(lines->writer, KITH_GONE, KITH_NEVER);
    *out = lines;
    return KITH_OK;
}

bool kith_lines_send(kith_lines *lines, const char *text, size_t len)
{
    if (lines->has_ended || lines->out_len + len >= MAX_WAITING ||
        !grow(&lines->out, &lines->out_cap, lines->out_len + len + 1))
        return false;
    char *at = lines->out + lines->out_len;
    for (size_t i = 0; i < len; i++)
        at[i] = text[i] == '\n' || text[i] == '\r' || text[i] == '\0' ? ' ' : text[i];
    at[len] = '\n';
    lines->out_len += len + 1;
    kith_watch_set(lines->writer, KITH_WRITE, KITH_NEVER);
    return true;
}

/* Only as long as nobody has to wait for it. */
static void flush(kith_lines *lines)
{
    struct pollfd writable = {.fd = lines->output, .events = POLLOUT};
    while (!lines->has_ended && lines->out_len > 0 && poll(&writable, 1, 0) == 1)
        if (!(writable.revents & POLLOUT) || !write_some(lines))
            return;
}

void kith_lines_close(kith_lines *lines)
{
    if (!lines)
        return;
    flush(lines);
    lines->is_closed = true;
    lines->has_ended = true;
    if (!lines->is_calling)
        release(lines);
}
