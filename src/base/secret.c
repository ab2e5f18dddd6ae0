/*
 * Secrets in pages of their own.
 *
 * Slabs are mappings between two inaccessible pages, locked, left out of core dumps, cut into blocks of
 * one size (powers of two up to 4 KiB; what is larger has a slab to itself).  So a hundred thousand
 * tokens cost their own size and not a page each.  A block is wiped when its last reference goes, and a
 * slab is unmapped when it is empty and another one of its size has room.  Where RLIMIT_MEMLOCK is
 * exhausted the pages stay swappable: refusing to work would help nobody.  Free blocks are poisoned
 * under AddressSanitizer.
 */
#include "base/secret.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/list.h"

#if CC_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define SECRET_MAGIC 0x5ec12e75u

enum {
    SECRET_SLAB_BYTES = 65536,
    SECRET_SMALLEST_BITS = 6, /* blocks of 64 bytes … */
    SECRET_LARGEST_BITS = 12, /* … to 4096 */
    SECRET_CLASSES = SECRET_LARGEST_BITS - SECRET_SMALLEST_BITS + 1,
};

struct secret_slab {
    struct list link; /* in the class's list while blocks are free */
    char *mapping;    /* guard page, blocks, guard page */
    size_t mapping_bytes;
    size_t block_bytes;
    uint32_t count, fresh; /* blocks; those never handed out start at `fresh` */
    uint32_t used;
    uint32_t free_len;
    uint32_t free[]; /* indices of blocks that came back */
};

struct secret {
    uint32_t magic;
    atomic_uint refs;
    struct secret_slab *slab;
    size_t len;
    char bytes[];
};

static pthread_mutex_t secret_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list secret_partial[SECRET_CLASSES];

static size_t secret_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static char *slab_block(const struct secret_slab *slab, uint32_t i)
{
    return slab->mapping + secret_page_bytes() + i * slab->block_bytes;
}

/* Maps `bytes` (a multiple of the page size) between two guard pages. */
static char *slab_map(size_t bytes)
{
    size_t page = secret_page_bytes();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *p = mmap(NULL, bytes + 2 * page, PROT_NONE, flags, -1, 0);

    ASSERT(p != MAP_FAILED);
    ASSERT(mprotect(p + page, bytes, PROT_READ | PROT_WRITE) == 0);
    ASSERT(madvise(p + page, bytes, MADV_DONTDUMP) == 0);
    /* A refusal is tolerated, see above. */
    (void)mlock(p + page, bytes);
    ASAN_POISON_MEMORY_REGION(p + page, bytes);
    return p;
}

static struct secret_slab *slab_new(size_t block_bytes, uint32_t count)
{
    size_t page = secret_page_bytes();
    size_t bytes = (block_bytes * count + page - 1) & ~(page - 1);
    struct secret_slab *slab = xcalloc(1, sizeof(*slab) + count * sizeof(slab->free[0]));

    slab->mapping = slab_map(bytes);
    slab->mapping_bytes = bytes + 2 * page;
    slab->block_bytes = block_bytes;
    slab->count = count;
    return slab;
}

static void slab_free(struct secret_slab *slab)
{
    ASAN_UNPOISON_MEMORY_REGION(slab->mapping, slab->mapping_bytes);
    munmap(slab->mapping, slab->mapping_bytes);
    free(slab);
}

static bool slab_is_full(const struct secret_slab *slab)
{
    return slab->used == slab->count;
}

static char *slab_take_block(struct secret_slab *slab)
{
    uint32_t i = slab->free_len ? slab->free[--slab->free_len] : slab->fresh++;

    slab->used++;
    return slab_block(slab, i);
}

static void slab_put_block(struct secret_slab *slab, const char *block)
{
    slab->free[slab->free_len++] =
        (uint32_t)((size_t)(block - slab_block(slab, 0)) / slab->block_bytes);
    slab->used--;
}

/* The list of slabs with room for blocks of 1 << bits bytes. */
static struct list *secret_class(unsigned bits)
{
    struct list *partial = &secret_partial[bits - SECRET_SMALLEST_BITS];

    if (!partial->next)
        list_init(partial);
    return partial;
}

static struct secret *secret_alloc_small(unsigned bits)
{
    struct list *partial;
    struct secret_slab *slab;
    struct secret *s;

    pthread_mutex_lock(&secret_mutex);
    partial = secret_class(bits);
    if (list_is_empty(partial)) {
        slab = slab_new((size_t)1 << bits, (uint32_t)SECRET_SLAB_BYTES >> bits);
        list_prepend(partial, &slab->link);
    } else {
        slab = LIST_ENTRY(list_first(partial), struct secret_slab, link);
    }
    s = (struct secret *)(void *)slab_take_block(slab);
    if (slab_is_full(slab))
        list_remove(&slab->link);
    pthread_mutex_unlock(&secret_mutex);
    ASAN_UNPOISON_MEMORY_REGION(s, sizeof(*s));
    s->slab = slab;
    return s;
}

static struct secret *secret_alloc_large(size_t bytes)
{
    struct secret_slab *slab = slab_new(bytes, 1);
    struct secret *s = (struct secret *)(void *)slab_take_block(slab);

    ASAN_UNPOISON_MEMORY_REGION(s, sizeof(*s));
    s->slab = slab;
    return s;
}

/* A secret with room for `n` bytes, which the caller fills. */
static struct secret *secret_alloc(size_t n)
{
    size_t bytes = sizeof(struct secret) + n;
    unsigned bits = SECRET_SMALLEST_BITS;
    struct secret *s;

    ASSERT(n <= SECRET_MAX_BYTES);
    while (bits <= SECRET_LARGEST_BITS && ((size_t)1 << bits) < bytes)
        bits++;
    s = bits <= SECRET_LARGEST_BITS ? secret_alloc_small(bits) : secret_alloc_large(bytes);
    ASAN_UNPOISON_MEMORY_REGION(s->bytes, n);
    s->magic = SECRET_MAGIC;
    s->len = n;
    atomic_init(&s->refs, 1);
    return s;
}

/* Gives an empty slab back unless it is the last one of its size with room. */
static void secret_release_small(struct secret_slab *slab, const char *block)
{
    struct list *partial = secret_class((unsigned)__builtin_ctzl(slab->block_bytes));
    bool was_full = slab_is_full(slab);

    slab_put_block(slab, block);
    if (was_full)
        list_append(partial, &slab->link);
    if (slab->used == 0 && partial->next != partial->prev) {
        list_remove(&slab->link);
        slab_free(slab);
    }
}

static void secret_free(struct secret *s)
{
    struct secret_slab *slab = s->slab;
    size_t bytes = sizeof(*s) + s->len;

    mem_wipe(s, bytes);
    ASAN_POISON_MEMORY_REGION(s, bytes);
    if (slab->count == 1) {
        slab_free(slab);
        return;
    }
    pthread_mutex_lock(&secret_mutex);
    secret_release_small(slab, (const char *)s);
    pthread_mutex_unlock(&secret_mutex);
}

struct secret *secret_new(struct str bytes)
{
    return secret_join(&bytes, 1);
}

struct secret *secret_take(void *bytes, size_t n)
{
    struct secret *s = secret_new(str_n(bytes, n));

    mem_wipe(bytes, n);
    return s;
}

struct secret *secret_join(const struct str *parts, size_t count)
{
    struct secret *s;
    size_t n = 0;
    char *p;

    for (size_t i = 0; i < count; i++) {
        ASSERT(parts[i].n <= SECRET_MAX_BYTES - n);
        n += parts[i].n;
    }
    s = secret_alloc(n);
    p = s->bytes;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n)
            memcpy(p, parts[i].p, parts[i].n);
        p += parts[i].n;
    }
    return s;
}

struct secret *secret_ref(struct secret *s)
{
    unsigned refs = atomic_fetch_add_explicit(&CAST(struct secret, s, SECRET_MAGIC)->refs, 1,
                                              memory_order_relaxed);

    ASSERT(refs > 0 && refs < INT32_MAX);
    return s;
}

void secret_unref(struct secret *s)
{
    unsigned refs;

    if (!s)
        return;
    refs = atomic_fetch_sub_explicit(&CAST(struct secret, s, SECRET_MAGIC)->refs, 1,
                                     memory_order_acq_rel);
    ASSERT(refs > 0);
    if (refs == 1)
        secret_free(s);
}

size_t secret_len(const struct secret *s)
{
    return CAST(const struct secret, s, SECRET_MAGIC)->len;
}

bool secret_eq(const struct secret *s, struct str bytes)
{
    return str_eq_secret(secret_expose(s), bytes);
}

struct str secret_expose(const struct secret *s)
{
    return str_n(CAST(const struct secret, s, SECRET_MAGIC)->bytes, s->len);
}

void secret_harden_memory(void)
{
    const struct rlimit none = {0, 0};

    ASSERT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    ASSERT(setrlimit(RLIMIT_CORE, &none) == 0);
}

void secret_harden_process(void)
{
    secret_harden_memory();
    ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}
