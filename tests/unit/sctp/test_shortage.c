/* malloc fails while usrsctp asks: the association ends, the process and the others live. The
 * linker puts this file between usrsctp, its allocator and malloc. */
#include "wire.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_kith_sctp_memory_alloc(size_t size);
void *__wrap_kith_sctp_memory_alloc(size_t size);
void *__real_kith_sctp_memory_alloc_zero(size_t count, size_t size);
void *__wrap_kith_sctp_memory_alloc_zero(size_t count, size_t size);

/* One of so many fails; 0: none. */
static uint32_t fails_once_in;
static uint64_t rng;
static unsigned failures;
static bool is_usrsctp;

void *__wrap_malloc(size_t size)
{
    if (!is_usrsctp || fails_once_in == 0)
        return __real_malloc(size);
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    if ((uint32_t)(rng >> 32) % fails_once_in != 0)
        return __real_malloc(size);
    failures++;
    return NULL;
}

void *__wrap_kith_sctp_memory_alloc(size_t size)
{
    is_usrsctp = true;
    void *memory = __real_kith_sctp_memory_alloc(size);
    is_usrsctp = false;
    return memory;
}

void *__wrap_kith_sctp_memory_alloc_zero(size_t count, size_t size)
{
    is_usrsctp = true;
    void *memory = __real_kith_sctp_memory_alloc_zero(count, size);
    is_usrsctp = false;
    return memory;
}

static void say_something(wire *w, unsigned from, uint16_t stream, size_t len)
{
    static uint8_t bytes[100000];
    kith_sctp_stream params = {.priority = 256, .unordered = stream % 2 == 1};
    kith_sctp_send_args args = {.stream = stream, .ppid = 53, .data = bytes, .len = len};
    make_bytes(bytes, len, 1);
    if (kith_sctp_open(w->side[from].sctp, stream, &params) == KITH_OK &&
        kith_sctp_send(w->side[from].sctp, &args) != KITH_OK)
        return;
}

/* A life through loss, with streams that are closed and opened again. */
static void live(void)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    w.loss = 20;
    kith_sctp_start(w.side[LEFT].sctp);
    kith_sctp_start(w.side[RIGHT].sctp);
    for (unsigned n = 0; n < 60; n++) {
        uint16_t stream = (uint16_t)(n % 5);
        say_something(&w, n % 2, stream, n % 3 == 0 ? 1 : n * 1000);
        if (n % 7 == 0)
            kith_sctp_close_stream(w.side[n % 2].sctp, stream);
        run(&w, KITH_MS(20));
    }
    run(&w, KITH_SECONDS(3));
    ck_assert(!w.side[LEFT].seen.damaged && !w.side[RIGHT].seen.damaged);
    wire_deinit(&w);
}

static void check_all_is_well(void)
{
    wire *w = wire_up();
    say_something(w, LEFT, 1, 50000);
    ck_assert(run_until(w, KITH_SECONDS(5), &w->side[RIGHT].seen.messages, 1));
    ck_assert(!w->side[RIGHT].seen.damaged);
    wire_down(w);
}

START_TEST(usrsctp_survives_that_malloc_fails)
{
    check_all_is_well();
    static const uint32_t rates[] = {1000, 100, 10};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            rng = seed * 0x9e3779b97f4a7c15;
            fails_once_in = rates[i];
            live();
            fails_once_in = 0;
            check_all_is_well();
        }
    }
    ck_assert_uint_gt(failures, 100);
}
END_TEST

UNIT_MAIN("sctp: shortage", usrsctp_survives_that_malloc_fails)
