/* A small thread pool around getaddrinfo. Workers and owner share a counted struct, so that a
 * worker that is stuck in the system's resolver outlives the owner without harm. */
#include "io/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/list.h"
#include "base/memory.h"
#include "io/sockaddr.h"

typedef struct job {
    kith_list_node in_list;
    bool no_ipv6;
    kith_resolved result;
    char hostname[];
} job;

typedef struct worker {
    pthread_t thread;
    /* inside getaddrinfo */
    bool is_busy;
    struct kith_resolver *resolver;
} worker;

struct kith_resolver {
    /* guards all below but has_results */
    pthread_mutex_t mutex;
    pthread_cond_t work;
    /* the owner and each worker */
    unsigned references;
    bool quit;
    /* of job */
    kith_list waiting, done;
    /* jobs anywhere */
    size_t count;
    unsigned waiting_count;
    worker workers[KITH_RESOLVER_THREADS];
    unsigned worker_count, idle;
    /* not called after quit */
    void (*wake)(void *user);
    void *user;
    atomic_bool has_results;
};

kith_resolver *kith_resolver_new(void (*wake)(void *user), void *user)
{
    kith_resolver *resolver = kith_alloc_zero(1, sizeof *resolver);
    if (!resolver)
        return NULL;
    pthread_mutex_init(&resolver->mutex, NULL);
    pthread_cond_init(&resolver->work, NULL);
    resolver->references = 1;
    resolver->wake = wake;
    resolver->user = user;
    kith_list_init(&resolver->waiting);
    kith_list_init(&resolver->done);
    atomic_init(&resolver->has_results, false);
    return resolver;
}

static void free_jobs(kith_list *list)
{
    kith_list_node *node;
    while ((node = kith_list_take(list)))
        kith_free(KITH_OWNER(node, job, in_list));
}

/* Gives up one reference; called with the mutex held, returns without it. */
static void release(kith_resolver *resolver)
{
    bool last = --resolver->references == 0;
    pthread_mutex_unlock(&resolver->mutex);
    if (!last)
        return;
    free_jobs(&resolver->waiting);
    free_jobs(&resolver->done);
    pthread_cond_destroy(&resolver->work);
    pthread_mutex_destroy(&resolver->mutex);
    kith_free(resolver);
}

static void resolve(job *j)
{
    struct addrinfo hints = {.ai_family = j->no_ipv6 ? AF_INET : AF_UNSPEC,
                             .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list;
    if (getaddrinfo(j->hostname, NULL, &hints, &list) != 0)
        return;
    kith_resolved *result = &j->result;
    for (const struct addrinfo *a = list; a && result->count < KITH_RESOLVED_ADDRESSES;
         a = a->ai_next)
        if (kith_sockaddr_to(&result->addresses[result->count], a->ai_addr))
            result->count++;
    freeaddrinfo(list);
}

/* One job, with the mutex held except while the system works. */
static void work_on(kith_resolver *resolver, worker *self, job *j)
{
    self->is_busy = true;
    pthread_mutex_unlock(&resolver->mutex);
    resolve(j);
    pthread_mutex_lock(&resolver->mutex);
    self->is_busy = false;
    kith_list_append(&resolver->done, &j->in_list);
    atomic_store(&resolver->has_results, true);
    if (!resolver->quit)
        resolver->wake(resolver->user);
}

static void *run_worker(void *arg)
{
    worker *self = arg;
    kith_resolver *resolver = self->resolver;
    pthread_mutex_lock(&resolver->mutex);
    while (!resolver->quit) {
        kith_list_node *node = kith_list_take(&resolver->waiting);
        if (node) {
            resolver->waiting_count--;
            work_on(resolver, self, KITH_OWNER(node, job, in_list));
            continue;
        }
        resolver->idle++;
        pthread_cond_wait(&resolver->work, &resolver->mutex);
        resolver->idle--;
    }
    release(resolver);
    return NULL;
}

/* The application's signals are for the application's threads. */
static bool start_worker(kith_resolver *resolver)
{
    worker *w = &resolver->workers[resolver->worker_count];
    sigset_t all, before;
    w->resolver = resolver;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, NULL, run_worker, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        resolver->worker_count++;
        resolver->references++;
    }
    return started;
}

/* With the mutex held. False: nobody would ever take the job. */
static bool have_worker(kith_resolver *resolver)
{
    if (resolver->idle > resolver->waiting_count || resolver->worker_count == KITH_RESOLVER_THREADS)
        return true;
    return start_worker(resolver) || resolver->worker_count > 0;
}

bool kith_resolver_ask(kith_resolver *resolver, uint64_t id, const char *hostname, bool no_ipv6)
{
    size_t size = strlen(hostname) + 1;
    job *j = kith_alloc_zero(1, sizeof *j + size);
    if (!j)
        return false;
    j->result.id = id;
    j->no_ipv6 = no_ipv6;
    memcpy(j->hostname, hostname, size);
    pthread_mutex_lock(&resolver->mutex);
    bool taken = resolver->count < KITH_RESOLVER_WAITING && have_worker(resolver);
    if (taken) {
        kith_list_append(&resolver->waiting, &j->in_list);
        resolver->count++;
        resolver->waiting_count++;
        pthread_cond_signal(&resolver->work);
    }
    pthread_mutex_unlock(&resolver->mutex);
    if (!taken)
        kith_free(j);
    return taken;
}

bool kith_resolver_event(kith_resolver *resolver, kith_resolved *out)
{
    if (!atomic_load(&resolver->has_results))
        return false;
    pthread_mutex_lock(&resolver->mutex);
    kith_list_node *node = kith_list_take(&resolver->done);
    if (node) {
        job *j = KITH_OWNER(node, job, in_list);
        *out = j->result;
        resolver->count--;
        kith_free(j);
    }
    if (kith_list_empty(&resolver->done))
        atomic_store(&resolver->has_results, false);
    pthread_mutex_unlock(&resolver->mutex);
    return node;
}

void kith_resolver_free(kith_resolver *resolver)
{
    if (!resolver)
        return;
    pthread_t joined[KITH_RESOLVER_THREADS];
    unsigned join_count = 0;
    pthread_mutex_lock(&resolver->mutex);
    resolver->quit = true;
    pthread_cond_broadcast(&resolver->work);
    for (unsigned i = 0; i < resolver->worker_count; i++) {
        const worker *w = &resolver->workers[i];
        if (w->is_busy)
            pthread_detach(w->thread);
        else
            joined[join_count++] = w->thread;
    }
    release(resolver);
    for (unsigned i = 0; i < join_count; i++)
        pthread_join(joined[i], NULL);
}
