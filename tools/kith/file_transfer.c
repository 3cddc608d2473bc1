/* Sender and receiver of files over a data channel; the protocol is in the header. Names that a
 * peer sends are never trusted: only their last part is used, and nothing that exists is
 * overwritten. */
#include "file_transfer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- sending ---- */

struct file_sender {
    FILE *file;
    char *name;
    uint64_t size, sent;
    char sha256[TOOL_SHA256_HEX];
    bool header_sent;
    /* of a message */
    size_t chunk_size;
    uint8_t chunk[FILE_CHUNK];
    /* read and not yet taken by the channel */
    size_t chunk_len;
};

size_t file_chunk_size(kith_pc *pc)
{
    const kith_session_description *remote = kith_pc_remote_description(pc);
    bool announced = remote && strstr(remote->sdp, "\na=max-message-size:");
    size_t most = announced ? FILE_CHUNK : FILE_CHUNK_UNANNOUNCED;
    size_t limit = kith_pc_max_message_size(pc);
    return limit < most ? limit : most;
}

/* The hash goes ahead of the bytes, so the file is read twice. */
static bool hash_file(file_sender *sender)
{
    tool_sha256 *hash = tool_sha256_new();
    size_t got;
    while ((got = fread(sender->chunk, 1, FILE_CHUNK, sender->file)) > 0) {
        tool_sha256_add(hash, sender->chunk, got);
        sender->size += got;
    }
    tool_sha256_finish(hash, sender->sha256);
    tool_sha256_free(hash);
    bool readable = !ferror(sender->file);
    rewind(sender->file);
    return readable;
}

file_sender *file_sender_new(FILE *file, const char *name)
{
    file_sender *sender = tool_alloc(sizeof *sender);
    sender->file = file;
    sender->name = tool_copy_text(name);
    if (!hash_file(sender)) {
        tool_error("cannot read %s", name);
        file_sender_free(sender);
        return NULL;
    }
    return sender;
}

file_sender *file_sender_open(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rbe");
    if (!file) {
        tool_error("cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        tool_error("%s is not a regular file", path);
        fclose(file);
        return NULL;
    }
    const char *slash = strrchr(path, '/');
    return file_sender_new(file, slash ? slash + 1 : path);
}

static bool send_header(file_sender *sender, kith_dc *dc)
{
    json_t *header =
        json_pack("{s:o, s:I, s:s}", "file", tool_json_text(sender->name, strlen(sender->name)),
                  "size", (json_int_t)sender->size, "sha256", sender->sha256);
    char *text = json_dumps(header, JSON_COMPACT);
    kith_dc_set_buffered_amount_low_threshold(dc, FILE_LOW_WATER);
    sender->chunk_size = file_chunk_size(kith_dc_pc(dc));
    kith_err err = kith_dc_send_text(dc, text, strlen(text));
    free(text);
    json_decref(header);
    sender->header_sent = err == KITH_OK;
    if (err != KITH_OK && err != KITH_ERR_AGAIN)
        tool_kith_error("cannot send the file's header", err);
    return err == KITH_OK || err == KITH_ERR_AGAIN;
}

bool file_sender_pump(file_sender *sender, kith_dc *dc)
{
    if (!sender->header_sent && !send_header(sender, dc))
        return false;
    while (sender->header_sent && sender->sent < sender->size &&
           kith_dc_buffered_amount(dc) < FILE_HIGH_WATER) {
        if (sender->chunk_len == 0)
            sender->chunk_len = fread(sender->chunk, 1, sender->chunk_size, sender->file);
        if (sender->chunk_len == 0 || sender->chunk_len > sender->size - sender->sent) {
            tool_error("%s changed while it was sent", sender->name);
            return false;
        }
        kith_err err = kith_dc_send(dc, sender->chunk, sender->chunk_len);
        if (err == KITH_ERR_AGAIN)
            return true;
        if (err != KITH_OK) {
            tool_kith_error("cannot send the file", err);
            return false;
        }
        sender->sent += sender->chunk_len;
        sender->chunk_len = 0;
    }
    return true;
}

bool file_sender_is_done(const file_sender *sender)
{
    return sender->header_sent && sender->sent == sender->size;
}

const char *file_sender_name(const file_sender *sender)
{
    return sender->name;
}

uint64_t file_sender_size(const file_sender *sender)
{
    return sender->size;
}

const char *file_sender_sha256(const file_sender *sender)
{
    return sender->sha256;
}

void file_sender_free(file_sender *sender)
{
    if (!sender)
        return;
    fclose(sender->file);
    free(sender->name);
    free(sender);
}

/* ---- receiving ---- */

struct file_receiver {
    /* NULL: keep nothing */
    char *directory;
    bool active;
    /* as the peer gave it */
    char *name;
    uint64_t size, received;
    /* "" when the peer gave none */
    char expected[TOOL_SHA256_HEX];
    tool_sha256 *hash;
    FILE *file;
    char *path;
};

file_receiver *file_receiver_new(const char *directory)
{
    file_receiver *receiver = tool_alloc(sizeof *receiver);
    receiver->directory = directory ? tool_copy_text(directory) : NULL;
    return receiver;
}

char *file_safe_name(const char *name)
{
    enum { MAX_NAME = 200 };
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\')
            name = c + 1;
    size_t len = strlen(name);
    if (len > MAX_NAME)
        for (len = MAX_NAME; len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80;)
            len--; /* not within a UTF-8 sequence */
    char *safe = tool_alloc(len + 8);
    memcpy(safe, name, len);
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)safe[i]) || strchr("<>:\"|?*", safe[i]))
            safe[i] = '_';
    for (size_t i = 0; safe[i] == '.'; i++)
        safe[i] = '_';
    if (len == 0)
        memcpy(safe, "unnamed", 8);
    return safe;
}

/* Creates DIRECTORY/NAME, or "NAME (2)" and so on where that exists. */
static FILE *create_file(const char *directory, const char *name, char **path)
{
    enum { MAX_TRIES = 1000 };
    char *safe = file_safe_name(name);
    size_t cap = strlen(directory) + strlen(safe) + 16;
    *path = tool_alloc(cap);
    int fd = -1;
    for (int i = 1; i <= MAX_TRIES; i++) {
        if (i == 1)
            snprintf(*path, cap, "%s/%s", directory, safe);
        else
            snprintf(*path, cap, "%s/%s (%d)", directory, safe, i);
        fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    free(safe);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file) {
        free(*path);
        *path = NULL;
    }
    return file;
}

/* Forgets the present file; one that is not whole is removed. */
static void end_file(file_receiver *receiver, bool keep)
{
    if (receiver->file && fclose(receiver->file) != 0)
        keep = false;
    receiver->file = NULL;
    if (receiver->path && !keep) {
        unlink(receiver->path);
        free(receiver->path);
        receiver->path = NULL;
    }
    tool_sha256_free(receiver->hash);
    receiver->hash = NULL;
    receiver->active = false;
}

static json_t *refuse(const char *name, const char *reason)
{
    return json_pack("{s:o, s:b, s:s}", "received", tool_json_text(name, strlen(name)), "ok", 0,
                     "reason", reason);
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static json_t *complete(file_receiver *receiver)
{
    char hex[TOOL_SHA256_HEX];
    tool_sha256_finish(receiver->hash, hex);
    bool same = receiver->expected[0] == '\0' || strcmp(hex, receiver->expected) == 0;
    json_t *reply = json_pack("{s:o, s:I, s:s, s:b}", "received",
                              tool_json_text(receiver->name, strlen(receiver->name)), "size",
                              (json_int_t)receiver->received, "sha256", hex, "ok", same);
    if (!same)
        json_object_set_new(reply, "reason", json_string("the bytes have another SHA-256"));
    end_file(receiver, same);
    return reply;
}

static json_t *begin(file_receiver *receiver, const char *name, json_int_t size, const char *sha256)
{
    if (receiver->active)
        return refuse(name, "another file is on its way");
    if (size < 0 || (uint64_t)size > FILE_MAX_SIZE)
        return refuse(name, "files of 0 to 4294967296 bytes are taken");
    if (sha256 && !is_sha256(sha256))
        return refuse(name, "sha256 has to be 64 lower-case hexadecimal digits");
    free(receiver->path);
    receiver->path = NULL;
    if (receiver->directory) {
        receiver->file = create_file(receiver->directory, name, &receiver->path);
        if (!receiver->file)
            return refuse(name, "the receiver cannot create the file");
    }
    free(receiver->name);
    receiver->name = tool_copy_text(name);
    receiver->size = (uint64_t)size;
    receiver->received = 0;
    snprintf(receiver->expected, sizeof receiver->expected, "%s", sha256 ? sha256 : "");
    receiver->hash = tool_sha256_new();
    receiver->active = true;
    return size == 0 ? complete(receiver) : NULL;
}

bool file_receiver_take_text(file_receiver *receiver, const void *text, size_t len, json_t **reply)
{
    const char *name = NULL, *sha256 = NULL;
    json_int_t size = 0;
    *reply = NULL;
    json_t *header = json_loadb(text, len, 0, NULL);
    bool is_header = header && json_unpack(header, "{s:s, s:I, s?s}", "file", &name, "size", &size,
                                           "sha256", &sha256) == 0;
    if (is_header)
        *reply = begin(receiver, name, size, sha256);
    json_decref(header);
    return is_header;
}

bool file_receiver_take_binary(file_receiver *receiver, const void *data, size_t len,
                               json_t **reply)
{
    *reply = NULL;
    if (!receiver->active)
        return false;
    if (len > receiver->size - receiver->received) {
        end_file(receiver, false);
        *reply = refuse(receiver->name, "more bytes came than the header said");
        return true;
    }
    tool_sha256_add(receiver->hash, data, len);
    receiver->received += len;
    if (receiver->file && fwrite(data, 1, len, receiver->file) != len) {
        end_file(receiver, false);
        *reply = refuse(receiver->name, "the receiver cannot write the file");
    } else if (receiver->received == receiver->size) {
        *reply = complete(receiver);
    }
    return true;
}

const char *file_receiver_path(const file_receiver *receiver)
{
    return receiver->active ? NULL : receiver->path;
}

uint64_t file_receiver_progress(const file_receiver *receiver)
{
    return receiver->active ? receiver->received : 0;
}

void file_receiver_free(file_receiver *receiver)
{
    if (!receiver)
        return;
    if (receiver->active)
        end_file(receiver, false);
    free(receiver->path);
    free(receiver->name);
    free(receiver->directory);
    free(receiver);
}
