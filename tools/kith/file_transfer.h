/* Files over a data channel, the same way in the command-line peer, the built-in peer and the page.
 *
 * The sender gives a text {"file":NAME,"size":BYTES,"sha256":HEX}, then the bytes in binary
 * messages of at most 64 KiB, in order. The receiver answers
 * {"received":NAME,"size":BYTES,"sha256":HEX,"ok":true}, or "ok":false with a "reason". One file at
 * a time in each direction of a channel; the channel has to be ordered and reliable. */
#ifndef KITH_TOOL_FILE_TRANSFER_H
#define KITH_TOOL_FILE_TRANSFER_H

#include "tool.h"

#include <stdio.h>

/* The largest message: every browser takes it. */
#define FILE_CHUNK ((size_t)64 * 1024)
/* The largest to a peer that announces no max-message-size. RFC 8841 section 6.1 lets such a peer
 * take 64 KiB, but some lose a message of exactly that. */
#define FILE_CHUNK_UNANNOUNCED ((size_t)16 * 1024)
/* The largest file taken. */
#define FILE_MAX_SIZE ((uint64_t)4 * 1024 * 1024 * 1024)
/* A sender keeps between these two amounts queued in its channel. */
#define FILE_LOW_WATER  ((size_t)256 * 1024)
#define FILE_HIGH_WATER ((size_t)1024 * 1024)

/* Bytes of a message to pc's other side: what it announces, within these two. */
size_t file_chunk_size(kith_pc *pc);

/* ---- sending ---- */

typedef struct file_sender file_sender;

/* Takes over `file`, positioned at its start. NULL after explaining when it cannot be read. */
file_sender *file_sender_new(FILE *file, const char *name);
/* Opens a path; NULL after explaining. */
file_sender *file_sender_open(const char *path);
/* Sends as much as the channel should hold; call when it opens, when its buffered amount is low and
 * when it is writable. False after explaining when the file can no longer be sent. */
bool file_sender_pump(file_sender *sender, kith_dc *dc);
/* All bytes are with the channel. */
bool file_sender_is_done(const file_sender *sender);
const char *file_sender_name(const file_sender *sender);
uint64_t file_sender_size(const file_sender *sender);
const char *file_sender_sha256(const file_sender *sender);
void file_sender_free(file_sender *sender);

/* ---- receiving ---- */

typedef struct file_receiver file_receiver;

/* directory NULL: the bytes are hashed and forgotten. */
file_receiver *file_receiver_new(const char *directory);
/* The text is a file's header: the transfer begins, or `*reply` says why not (json_decref). False:
 * some other text. */
bool file_receiver_take_text(file_receiver *receiver, const void *text, size_t len, json_t **reply);
/* True when the bytes belonged to a file. `*reply` is the answer once the file is complete or has
 * failed. */
bool file_receiver_take_binary(file_receiver *receiver, const void *data, size_t len,
                               json_t **reply);
/* Where the last complete file is; NULL when it was not kept. */
const char *file_receiver_path(const file_receiver *receiver);
/* Bytes of the present file, 0 between files. */
uint64_t file_receiver_progress(const file_receiver *receiver);
/* An unfinished file is removed. */
void file_receiver_free(file_receiver *receiver);

/* A name that is safe in a directory of ours: no directories, no control characters, not hidden, at
 * most 200 bytes. free(). */
char *file_safe_name(const char *name);

#endif
