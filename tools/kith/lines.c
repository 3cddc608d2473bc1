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

/* How long the last lines wait for a reader that takes nothing. */
enum { FLUSH_MS = 2000 };

/* ---- reading ---- */

struct lines_reader {
    reactor_source *source;
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
    reactor_set_interest(reader->source, 0);
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

static void read_more(void *user)
{
    lines_reader *reader = user;
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

lines_reader *lines_reader_new(reactor *r, int fd, lines_on_line on_line, lines_on_end on_end,
                               void *user)
{
    lines_reader *reader = tool_alloc(sizeof *reader);
    *reader = (lines_reader){.fd = fd, .on_line = on_line, .on_end = on_end, .user = user};
    reader->source = reactor_add(r, fd, REACTOR_READ, read_more, reader);
    if (!reader->source) {
        free(reader);
        return NULL;
    }
    return reader;
}

void lines_reader_pause(lines_reader *reader, bool paused)
{
    if (reader->ended || reader->paused == paused)
        return;
    reader->paused = paused;
    reactor_set_interest(reader->source, paused ? 0 : REACTOR_READ);
    if (!paused)
        cut_lines(reader);
}

void lines_reader_free(lines_reader *reader)
{
    if (!reader)
        return;
    reactor_remove(reader->source);
    free(reader->data);
    free(reader);
}

/* ---- writing ---- */

struct lines_writer {
    reactor_source *source;
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
static void write_more(void *user)
{
    lines_writer *writer = user;
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
        reactor_set_interest(writer->source, writer->broken ? 0 : REACTOR_GONE);
    }
}

lines_writer *lines_writer_new(reactor *r, int fd)
{
    lines_writer *writer = tool_alloc(sizeof *writer);
    writer->fd = fd;
    writer->broken = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    writer->source = reactor_add(r, fd, REACTOR_GONE, write_more, writer);
    if (!writer->source) {
        free(writer);
        return NULL;
    }
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
    reactor_set_interest(writer->source, REACTOR_WRITE);
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
    while (!writer->broken && writer->from < writer->len) {
        struct pollfd writable = {.fd = writer->fd, .events = POLLOUT};
        if (poll(&writable, 1, FLUSH_MS) == 0)
            break;
        write_more(writer);
    }
    return !writer->broken && writer->from == writer->len;
}

void lines_writer_free(lines_writer *writer)
{
    if (!writer)
        return;
    reactor_remove(writer->source);
    free(writer->data);
    free(writer);
}
