/* JSON objects, one a line, on two descriptors: reading cuts lines, writing never blocks. */
#ifndef KITH_TOOL_LINES_H
#define KITH_TOOL_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "kith/loop.h"

/* The longest line read: a message of 256 KiB whose every byte is written as an escape of six. */
#define LINES_MAX_LINE ((size_t)2 * 1024 * 1024)

/* text is NUL-terminated and borrowed; number counts from 1. */
typedef void (*lines_on_line)(void *user, const char *text, size_t len, unsigned long number);
/* The end of input; words is NULL, or says why it ended badly. */
typedef void (*lines_on_end)(void *user, const char *words);

typedef struct lines_reader lines_reader;
/* NULL: the loop cannot watch fd (kith_last_error). */
lines_reader *lines_reader_new(kith_loop *loop, int fd, lines_on_line on_line, lines_on_end on_end,
                               void *user);
/* Paused, nothing is read: the writer at the other end has to wait. */
void lines_reader_pause(lines_reader *reader, bool paused);
void lines_reader_free(lines_reader *reader);

typedef struct lines_writer lines_writer;
/* The same. on_progress, which may be NULL: some was read, or nobody reads any more. */
lines_writer *lines_writer_new(kith_loop *loop, int fd, void (*on_progress)(void *user),
                               void *user);
/* Takes over `object`, which becomes one line. */
void lines_write(lines_writer *writer, json_t *object);
/* A line that is JSON already. */
void lines_write_text(lines_writer *writer, const char *json);
/* Bytes that wait for the reader at the other end. */
size_t lines_waiting(const lines_writer *writer);
/* Nobody reads any more. */
bool lines_broken(const lines_writer *writer);
/* Writes what waits. False when nobody reads, or not all within two seconds. */
bool lines_flush(lines_writer *writer);
/* NULL is fine. */
void lines_writer_free(lines_writer *writer);

#endif
