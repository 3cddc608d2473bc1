/* JSON lines on descriptors. Standard input and output may be shared with a terminal, so that their
 * O_NONBLOCK is not ours to set: a pipe or terminal that polls as writable takes PIPE_BUF bytes at
 * once, a socket has MSG_DONTWAIT. */
#include "lines.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the last lines wait for a reader. */
#define FLUSH_TIME KITH_SECONDS(2)

/* ---- reading ---- */

struct lines_reader {
    kith_watch *watch;
    int fd;
    lines_on_line on_line;
    lines_on_end on_end;
    void *user;
    char *data;
    size_t len, cap;
    unsigned long number;
    bool paused, ended, is_cutting;
};

static void end_reading(lines_reader *reader, const char *words)
{
    reader->ended = true;
    kith_watch_set(reader->watch, 0, KITH_NEVER);
    reader->on_end(reader->user, words);
}

/* Gives whole lines until there is none or somebody paused us. */
static void cut_lines(lines_reader *reader)
{
    size_t from = 0;
    if (reader->is_cutting)
        return;
    reader->is_cutting = true;
    while (!reader->paused) {
        char *newline = memchr(reader->data + from, '\n', reader->len - from);
        if (!newline)
            break;
        *newline = '\0';
        size_t len = (size_t)(newline - (reader->data + from));
        reader->number++;
        reader->on_line(reader->user, reader->data + from, len, reader->number);
        from += len + 1;
    }
    reader->is_cutting = false;
    memmove(reader->data, reader->data + from, reader->len - from);
    reader->len -= from;
}

static void read_more(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    lines_reader *reader = user;
    (void)loop;
    (void)watch;
    (void)ready;
    if (reader->cap - reader->len < 65536) {
        reader->cap = reader->cap ? 2 * reader->cap : 131072;
        reader->data = tool_resize(reader->data, reader->cap);
    }
    ssize_t got = read(reader->fd, reader->data + reader->len, reader->cap - reader->len - 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        if (reader->len > 0) { /* a last line without its newline */
            reader->data[reader->len++] = '\n';
            cut_lines(reader);
        }
        end_reading(reader, got < 0 ? strerror(errno) : NULL);
        return;
    }
    reader->len += (size_t)got;
    cut_lines(reader);
    if (!reader->paused && reader->len > LINES_MAX_LINE)
        end_reading(reader, "a line is longer than 2 MiB");
}

lines_reader *lines_reader_new(kith_loop *loop, int fd, lines_on_line on_line, lines_on_end on_end,
                               void *user)
{
    lines_reader *reader = tool_alloc(sizeof *reader);
    *reader = (lines_reader){.fd = fd, .on_line = on_line, .on_end = on_end, .user = user};
    if (kith_loop_watch(&reader->watch, loop, fd, read_more, reader) != KITH_OK) {
        free(reader);
        return NULL;
    }
    kith_watch_set(reader->watch, KITH_READ, KITH_NEVER);
    return reader;
}

void lines_reader_pause(lines_reader *reader, bool paused)
{
    if (reader->ended || reader->paused == paused)
        return;
    reader->paused = paused;
    kith_watch_set(reader->watch, paused ? 0 : KITH_READ, KITH_NEVER);
    if (!paused)
        cut_lines(reader);
}

void lines_reader_free(lines_reader *reader)
{
    if (!reader)
        return;
    kith_watch_free(reader->watch);
    free(reader->data);
    free(reader);
}

/* ---- writing ---- */

struct lines_writer {
    kith_watch *watch;
    void (*on_progress)(void *user);
    void *user;
    int fd;
    char *data;
    /* waiting bytes are [from, len) */
    size_t from, len, cap;
    bool broken;
};

static ssize_t write_some(int fd, const char *data, size_t len)
{
    ssize_t sent = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK)
        sent = write(fd, data, len < PIPE_BUF ? len : PIPE_BUF);
    return sent;
}

/* With nothing to write this is called only because nobody reads any more. */
static void write_what_waits(lines_writer *writer)
{
    size_t waiting = writer->len - writer->from;
    ssize_t sent = 0;
    if (waiting > 0)
        sent = write_some(writer->fd, writer->data + writer->from, waiting);
    if (waiting == 0 || (sent < 0 && errno != EINTR && errno != EAGAIN))
        writer->broken = true;
    if (sent > 0)
        writer->from += (size_t)sent;
    if (writer->broken || writer->from == writer->len) {
        writer->from = writer->len = 0;
        kith_watch_set(writer->watch, writer->broken ? 0 : KITH_GONE, KITH_NEVER);
    }
}

static void write_more(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    lines_writer *writer = user;
    (void)loop;
    (void)watch;
    (void)ready;
    write_what_waits(writer);
    if (writer->on_progress)
        writer->on_progress(writer->user);
}

lines_writer *lines_writer_new(kith_loop *loop, int fd, void (*on_progress)(void *user), void *user)
{
    lines_writer *writer = tool_alloc(sizeof *writer);
    writer->fd = fd;
    writer->broken = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    writer->on_progress = on_progress;
    writer->user = user;
    if (kith_loop_watch(&writer->watch, loop, fd, write_more, writer) != KITH_OK) {
        free(writer);
        return NULL;
    }
    kith_watch_set(writer->watch, KITH_GONE, KITH_NEVER);
    return writer;
}

void lines_write_text(lines_writer *writer, const char *json)
{
    size_t size = strlen(json);
    if (writer->broken)
        return;
    if (writer->from > 0 && writer->len + size + 1 > writer->cap) {
        memmove(writer->data, writer->data + writer->from, writer->len - writer->from);
        writer->len -= writer->from;
        writer->from = 0;
    }
    if (writer->len + size + 1 > writer->cap) {
        writer->cap = 2 * (writer->len + size + 1);
        writer->data = tool_resize(writer->data, writer->cap);
    }
    memcpy(writer->data + writer->len, json, size);
    writer->data[writer->len + size] = '\n';
    writer->len += size + 1;
    kith_watch_set(writer->watch, KITH_WRITE, KITH_NEVER);
}

void lines_write(lines_writer *writer, json_t *object)
{
    char *json = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (json)
        lines_write_text(writer, json);
    free(json);
    json_decref(object);
}

size_t lines_waiting(const lines_writer *writer)
{
    return writer->len - writer->from;
}

bool lines_broken(const lines_writer *writer)
{
    return writer->broken;
}

bool lines_flush(lines_writer *writer)
{
    kith_time end = kith_clock_now() + FLUSH_TIME;
    while (!writer->broken && writer->from < writer->len) {
        struct pollfd writable = {.fd = writer->fd, .events = POLLOUT};
        kith_time left = end - kith_clock_now();
        if (left <= 0 || poll(&writable, 1, (int)(left / 1000) + 1) == 0)
            break;
        write_what_waits(writer);
    }
    return !writer->broken && writer->from == writer->len;
}

void lines_writer_free(lines_writer *writer)
{
    if (!writer)
        return;
    kith_watch_free(writer->watch);
    free(writer->data);
    free(writer);
}
