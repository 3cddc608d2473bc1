/* `kith sdp`: reads a session description, alone or in the JSON of an RTCSessionDescriptionInit,
 * and prints its tree as JSON, or the line that is wrong and why. It makes no connection and
 * changes nothing. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdp_tree.h"
#include "wire/sdp.h"

/* A description of the largest size, with every character escaped in JSON, fits. */
#define MAX_INPUT (6 * KITH_SDP_MAX_SIZE + 4096)

static const char help[] =
    "Usage: kith sdp [--compact] [FILE]\n"
    "Read a session description from FILE, or from standard input without FILE or with -, and "
    "print\n"
    "what it says as JSON. The input is SDP (RFC 8866) or a JSON object with a member \"sdp\", as\n"
    "JSON.stringify(pc.localDescription) gives.\n\n"
    "Options:\n"
    "  --compact  print JSON on one line\n"
    "  --help     this text\n\n"
    "Exit status: 0 the description is well formed; 1 it is not (the line that is wrong and why "
    "are\n"
    "on standard error) or cannot be read; 2 wrong usage.\n";

/* ---- reading ---- */

typedef struct input {
    /* as in messages */
    const char *name;
    char *data;
    size_t len;
    /* of the input, if it was JSON: owns the text */
    json_t *json;
    /* member "type", or NULL */
    const char *type;
    /* the description */
    const char *text;
    size_t text_len;
} input;

static bool read_stream(input *in, FILE *file)
{
    in->data = tool_alloc(MAX_INPUT + 1);
    in->len = fread(in->data, 1, MAX_INPUT + 1, file);
    if (ferror(file)) {
        tool_error("cannot read %s: %s", in->name, strerror(errno));
        return false;
    }
    if (in->len > MAX_INPUT) {
        tool_error("%s has more than %d octets: that is no session description", in->name,
                   MAX_INPUT);
        return false;
    }
    return true;
}

static bool read_input(input *in, const char *path)
{
    bool standard = !path || strcmp(path, "-") == 0;
    in->name = standard ? "standard input" : path;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    if (!file) {
        tool_error("cannot open %s: %s", path, strerror(errno));
        return false;
    }
    bool good = read_stream(in, file);
    if (!standard)
        fclose(file);
    return good;
}

/* An RTCSessionDescriptionInit: {"type": "offer", "sdp": "v=0…"}. */
static bool unwrap_json(input *in)
{
    json_error_t error;
    in->json = json_loadb(in->data, in->len, JSON_ALLOW_NUL, &error);
    if (!in->json) {
        tool_error("%s: line %d, column %d: no JSON: %s", in->name, error.line, error.column,
                   error.text);
        return false;
    }
    json_t *sdp = json_object_get(in->json, "sdp");
    if (!json_is_string(sdp)) {
        tool_error("%s: the JSON object has no member \"sdp\" with a text", in->name);
        return false;
    }
    in->type = json_string_value(json_object_get(in->json, "type"));
    in->text = json_string_value(sdp);
    in->text_len = json_string_length(sdp);
    return true;
}

static bool unwrap(input *in)
{
    size_t blanks = strspn(in->data, " \t\r\n");
    if (in->data[blanks] == '{')
        return unwrap_json(in);
    in->text = in->data;
    in->text_len = in->len;
    return true;
}

/* ---- answering ---- */

/* The line of that number, with what a terminal should not get replaced and the rest of a long one
 * cut off. */
static void show_line(const input *in, int number)
{
    const char *at = in->text, *end = in->text + in->text_len;
    while (--number > 0 && at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    char shown[121];
    size_t len = 0;
    while (at < end && *at != '\n' && *at != '\r' && len < sizeof shown - 1) {
        shown[len++] = (unsigned char)*at < ' ' || *at == 0x7F ? '?' : *at;
        at++;
    }
    shown[len] = '\0';
    if (len > 0)
        fprintf(stderr, "    %s\n", shown);
}

static int report(const input *in, kith_err err)
{
    const kith_error *error = kith_last_error();
    if (error->sdp_line_number < 1) {
        tool_kith_error(in->name, err);
        return TOOL_FAILED;
    }
    tool_error("%s: line %d: %s", in->name, error->sdp_line_number, error->message);
    show_line(in, error->sdp_line_number);
    return TOOL_FAILED;
}

/* What a peer connection would go on without. */
static void show_remarks(const input *in, const kith_sdp *sdp)
{
    for (size_t i = 0; i < sdp->remarks.count; i++) {
        const kith_sdp_remark *remark = &sdp->remarks.items[i];
        tool_error("%s: line %d is left out: %s", in->name, remark->line, remark->text);
        show_line(in, remark->line);
    }
}

/* Sections that a peer connection would refuse. */
static void show_faults(const input *in, const kith_sdp *sdp)
{
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_media *m = sdp->media.items[i];
        if (m->fault.text && !kith_sdp_is_rejected(m))
            tool_error("%s: the section of line %d cannot be used: line %d: %s", in->name, m->line,
                       m->fault.line, m->fault.text);
    }
}

static int print_tree(const input *in, const kith_sdp *sdp, size_t flags)
{
    json_t *tree = json_object();
    if (in->type)
        json_object_set_new(tree, "type", json_string(in->type));
    json_t *members = sdp_tree_to_json(sdp);
    json_object_update(tree, members);
    json_decref(members);
    bool written = json_dumpf(tree, stdout, flags) == 0;
    written = putchar('\n') != EOF && written;
    written = fflush(stdout) == 0 && written;
    json_decref(tree);
    if (!written)
        tool_error("cannot write the tree: %s", strerror(errno));
    return written ? TOOL_OK : TOOL_FAILED;
}

static int answer(input *in, const char *path, size_t flags)
{
    kith_sdp *sdp;
    if (!read_input(in, path) || !unwrap(in))
        return TOOL_FAILED;
    kith_err err = kith_sdp_parse(&sdp, in->text, in->text_len);
    if (err != KITH_OK)
        return report(in, err);
    show_remarks(in, sdp);
    show_faults(in, sdp);
    int status = print_tree(in, sdp, flags);
    kith_sdp_free(sdp);
    return status;
}

int kith_tool_sdp(int argc, char **argv)
{
    static const struct option options[] = {
        {"compact", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    size_t flags = JSON_INDENT(2);
    int choice;
    while ((choice = tool_getopt(argc, argv, options)) != -1) {
        if (choice == 'h') {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (choice != 'c')
            return TOOL_USAGE;
        flags = JSON_COMPACT;
    }
    if (argc - optind > 1) {
        tool_error("one FILE at most (see kith sdp --help)");
        return TOOL_USAGE;
    }
    input in = {0};
    int status = answer(&in, argv[optind], flags);
    json_decref(in.json);
    free(in.data);
    return status;
}
