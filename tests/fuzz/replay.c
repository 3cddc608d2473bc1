/* Runs a target over its corpus without a fuzzer: the regression test.
 *
 *     fuzz-NAME-replay [--variants] FOLDER
 *
 * Every file is fed in memory of exactly its size, so that a sanitizer sees a byte too far.
 * With --variants also every prefix of it, and it with each byte changed in turn. */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Variants of a longer file would take too long: their number times its size. */
#define VARIANT_MAX 4096

static void feed(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size + (size == 0));
    if (!exact)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void feed_variants(uint8_t *data, size_t size)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < size && size <= VARIANT_MAX; i++) {
        feed(data, i);
        for (size_t j = 0; j < sizeof changes; j++) {
            data[i] ^= changes[j];
            feed(data, size);
            data[i] ^= changes[j];
        }
    }
}

/* The whole file; the caller frees it. */
static uint8_t *read_file(const char *folder, const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    long end = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *data = end >= 0 ? malloc((size_t)end + 1) : NULL;
    if (!data || fseek(file, 0, SEEK_SET) != 0 ||
        fread(data, 1, (size_t)end, file) != (size_t)end) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    *size = (size_t)end;
    return data;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    bool variants = argc == 3 && strcmp(argv[1], "--variants") == 0;
    if (argc != 2 && !variants) {
        fprintf(stderr, "usage: %s [--variants] FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    const char *folder = argv[argc - 1];
    struct dirent **entries;
    int count = scandir(folder, &entries, visible, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: no corpus\n", folder);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++) {
        size_t size;
        uint8_t *data = read_file(folder, entries[i]->d_name, &size);
        fprintf(stderr, "%s\n", entries[i]->d_name); /* the last line names the one that failed */
        feed(data, size);
        if (variants)
            feed_variants(data, size);
        free(data);
        free(entries[i]);
    }
    free(entries);
    return EXIT_SUCCESS;
}
