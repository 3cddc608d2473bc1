/* Reads a file of frames and writes them into another:  copy IN OUT */
#include <err.h>
#include <fcntl.h>
#include <kith/kith.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static void write_all(int fd, kith_file_writer *writer)
{
    for (const kith_file_bytes *b; (b = kith_file_writer_output(writer));) {
        if (pwrite(fd, b->data, b->len, (off_t)b->at) != (ssize_t)b->len)
            err(1, "cannot write");
    }
}

int main(int argc, char **argv)
{
    static char buf[65536];
    kith_file_reader *reader;
    kith_file_writer *writer = NULL;
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    int out = in ? open(argv[2], O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666) : -1;
    if (out < 0)
        err(1, "usage: copy IN OUT");
    must(kith_file_reader_new(&reader));
    for (;;) {
        const kith_frame *frame = NULL;
        kith_err result = kith_file_reader_next(reader, &frame);
        if (result == KITH_ERR_AGAIN) {
            must(kith_file_reader_give(reader, buf, fread(buf, 1, sizeof buf, in)));
            continue;
        }
        must(result);
        if (!frame)
            break;
        if (!writer)
            must(kith_file_writer_new(&writer, kith_file_reader_codec(reader)));
        must(kith_file_writer_add(writer, frame));
        write_all(out, writer);
    }
    if (writer) {
        must(kith_file_writer_end(writer));
        write_all(out, writer);
    }
    kith_file_writer_free(writer);
    kith_file_reader_free(reader);
    fclose(in);
    return close(out);
}
