/*
 * One event loop per thread: descriptors (epoll, edge-triggered), timers, deferred work, and messages
 * from other threads.
 *
 * An iteration: 1. compute the wait from the nearest timer; 2. epoll_wait; 3. read the clock once;
 * 4. descriptor callbacks; 5. due timers; 6. posted messages; 7. deferred tasks.  An object that lives on
 * a loop is created, used and destroyed on that loop's thread; other threads only call the functions
 * marked thread-safe.  A descriptor, timer or task may be removed from inside any callback, its own
 * included; it is never called afterwards.  No callback may block.
 */
#ifndef EV_LOOP_H
#define EV_LOOP_H

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"

struct loop;

/* Where a loop takes time from; tests pass their own. */
struct loop_clock {
    int64_t (*mono_us)(void *cookie);
    int64_t (*wall_us)(void *cookie);
    void *cookie;
};

/* Returns a new loop; `clock` may be NULL for the system's and is borrowed until loop_free. */
struct loop *loop_new(const struct loop_clock *clock);

/*
 * Frees a loop that is not running.  Descriptors, timers and deferred tasks must have been removed;
 * messages still posted are delivered first, so that what they own can be released.
 */
void loop_free(struct loop *l);

/* Runs iterations until loop_stop. */
void loop_run(struct loop *l);

/* Runs one iteration that waits at most `max_wait_us` (for tests and shutdown sequences). */
void loop_step(struct loop *l, int64_t max_wait_us);

/* Ends loop_run after the current iteration, or the next loop_run before its first.  Thread-safe. */
void loop_stop(struct loop *l);

/* Whether the calling thread is the one inside loop_run or loop_step. */
bool loop_is_current(const struct loop *l);

/* Monotonic time of this iteration (outside of one: of now). */
int64_t loop_now_us(const struct loop *l);

/* Wall-clock time of this iteration (outside of one: of now). */
int64_t loop_wall_us(const struct loop *l);

#define LOOP_READABLE 1u /* data, end of stream, or an error to be read */
#define LOOP_WRITABLE 2u /* room to write, or an error */
#define LOOP_HANGUP                                                                                \
    4u /* with READABLE: the peer ended its direction, or an error; read to the end */

typedef void loop_io_fn(void *cookie, unsigned events);

/* A descriptor on a loop; the memory is the owner's. */
struct loop_io {
    int fd;
    loop_io_fn *on_io;
    void *cookie;
    bool added;
};

/*
 * Watches `fd` for both directions, edge-triggered: on_io is called once per change, so the owner reads
 * or writes until the call would block, or remembers that it did not.
 * Errors: IO when the kernel refuses the descriptor.
 */
int loop_io_add(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io,
                void *cookie) MUST_USE;

/* Stops watching (the descriptor stays open).  Nothing happens when it is not watched. */
void loop_io_remove(struct loop *l, struct loop_io *io);

typedef void loop_fn(void *cookie);

/* A timer; the memory is the owner's, zeroed before first use. */
struct loop_timer {
    struct heap_item item;
    loop_fn *fn;
    void *cookie;
};

/*
 * Calls fn(cookie) once, `delay_us` from loop_now_us; an already started timer is moved.  A timer started by
 * a timer runs in a later iteration, whatever its delay.
 */
void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t delay_us, loop_fn *fn,
                      void *cookie);

/* Cancels; nothing happens when it is not started. */
void loop_timer_cancel(struct loop *l, struct loop_timer *t);

static inline bool loop_timer_is_started(const struct loop_timer *t)
{
    return heap_has(&t->item);
}

/* Work to be done later on the loop; the memory is the owner's and must stay until it ran or was removed. */
struct loop_task {
    struct list link;       /* deferred */
    struct loop_task *next; /* posted */
    loop_fn *fn;
    void *cookie;
};

/*
 * Calls fn(cookie) at the end of this iteration (once, even when deferred twice); a task that is deferred
 * by a deferred task runs at the end of the next one, which does not wait.
 */
void loop_defer(struct loop *l, struct loop_task *t, loop_fn *fn, void *cookie);

/* Takes a deferred task back; nothing happens when it is not deferred. */
void loop_defer_cancel(struct loop *l, struct loop_task *t);

/* Calls fn(cookie) on the loop's thread.  Thread-safe, in order per posting thread.  Cannot be taken back. */
void loop_post(struct loop *l, struct loop_task *t, loop_fn *fn, void *cookie);

#endif
