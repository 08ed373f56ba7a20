/* Lets chosen calls to the file system fail, below everything that a process does: preloaded, it
 * stands before the C library, so SQLite's and FAISS's own calls are met as much as Python's.
 *
 * Only calls that change something below one folder count. They are numbered from 1 in the order
 * in which they come; `fault_arm` says which of them fails, and how.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, ONCE, FROM, SHORT };  /* what happens to the chosen call */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static long seen, chosen;
static int armed, mode, failure;
static char hit[PATH_MAX + 32];  /* the first call that failed, for reports */

void fault_arm(const char *folder, long number, int how, int error)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    seen = 0;
    chosen = number;
    mode = how;
    failure = error;
    hit[0] = '\0';
    armed = 1;
}

/* Ends it; the number of calls that were counted. */
long fault_disarm(void)
{
    armed = 0;
    return seen;
}

/* Lets calls pass uncounted for a while (1), or not any more (0). */
void fault_hold(int held)
{
    armed = !held;
}

const char *fault_hit(void)
{
    return hit;
}

static int below(const char *path)
{
    return strncmp(path, root, root_length) == 0
           && (path[root_length] == '/' || path[root_length] == '\0');
}

/* Counts a call; whether it is one of those that shall fail. */
static int strikes(const char *name, const char *path, int may_be_short)
{
    int strike = 0;
    pthread_mutex_lock(&guard);
    seen++;
    if (mode == ONCE)
        strike = seen == chosen;
    else if (mode == FROM)
        strike = seen >= chosen;
    else if (mode == SHORT)
        strike = seen == chosen && may_be_short;
    if (strike && hit[0] == '\0')
        snprintf(hit, sizeof hit, "%s %s", name, path + root_length);
    pthread_mutex_unlock(&guard);
    return strike;
}

/* The path behind a link of /proc; 0 where there is none. */
static int linked(const char *link, char *path)
{
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, (long)PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = '\0';
    return 1;
}

static int path_of(int descriptor, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    return linked(link, path);
}

static int whole(int folder, const char *name, char *path)
{
    char start[PATH_MAX];
    if (name[0] == '/')
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    if (folder == AT_FDCWD ? !linked("/proc/self/cwd", start) : !path_of(folder, start))
        return 0;
    return snprintf(path, PATH_MAX, "%s/%s", start, name) < PATH_MAX;
}

static int strikes_file(const char *name, int descriptor, int may_be_short)
{
    char path[PATH_MAX];
    int before = errno, strike;
    strike = armed && path_of(descriptor, path) && below(path) && strikes(name, path, may_be_short);
    errno = strike ? failure : before;
    return strike;
}

static int strikes_name(const char *name, int folder, const char *given)
{
    char path[PATH_MAX];
    int before = errno, strike;
    strike = armed && whole(folder, given, path) && below(path) && strikes(name, path, 0);
    errno = strike ? failure : before;
    return strike;
}

#define NEXT(type, name, ...) \
    static type (*next)(__VA_ARGS__); \
    if (!next) \
        next = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* A short call writes half, and one byte not at all: the caller must notice either. */
ssize_t write(int descriptor, const void *data, size_t size)
{
    NEXT(ssize_t, "write", int, const void *, size_t);
    if (!strikes_file("write", descriptor, size > 1))
        return next(descriptor, data, size);
    return mode == SHORT ? next(descriptor, data, size / 2) : -1;
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (!strikes_file("pwrite", descriptor, size > 1))
        return next(descriptor, data, size, offset);
    return mode == SHORT ? next(descriptor, data, size / 2, offset) : -1;
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset)
{
    NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (!strikes_file("pwrite64", descriptor, size > 1))
        return next(descriptor, data, size, offset);
    return mode == SHORT ? next(descriptor, data, size / 2, offset) : -1;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    NEXT(ssize_t, "writev", int, const struct iovec *, int);
    if (!strikes_file("writev", descriptor, count > 1))
        return next(descriptor, parts, count);
    return mode == SHORT ? next(descriptor, parts, count / 2) : -1;
}

#define FILE_CALL(name, declared, types, given, descriptor) \
    int name declared \
    { \
        NEXT(int, #name, types); \
        return strikes_file(#name, descriptor, 0) ? -1 : next given; \
    }
#define TWO(...) __VA_ARGS__

/* Nothing waits for the disk, since nobody cuts the power: a case would take a second longer. */
#define SYNC_CALL(name) \
    int name(int file) { return strikes_file(#name, file, 0) ? -1 : 0; }

SYNC_CALL(fsync)
SYNC_CALL(fdatasync)
FILE_CALL(ftruncate, (int file, off_t size), TWO(int, off_t), (file, size), file)
FILE_CALL(ftruncate64, (int file, off64_t size), TWO(int, off64_t), (file, size), file)

#define NAME_CALL(name, declared, types, given, folder, path) \
    int name declared \
    { \
        NEXT(int, #name, types); \
        return strikes_name(#name, folder, path) ? -1 : next given; \
    }
#define NAMES TWO(const char *, const char *)
#define FOUR TWO(int, const char *, int, const char *)
#define FIVE TWO(int, const char *, int, const char *, unsigned)

NAME_CALL(rename, (const char *from, const char *to), NAMES, (from, to), AT_FDCWD, to)
NAME_CALL(renameat, (int a, const char *from, int b, const char *to), FOUR, (a, from, b, to), b, to)
NAME_CALL(renameat2, (int a, const char *from, int b, const char *to, unsigned flags), FIVE,
          (a, from, b, to, flags), b, to)
NAME_CALL(unlink, (const char *path), const char *, (path), AT_FDCWD, path)
NAME_CALL(unlinkat, (int folder, const char *path, int flags), TWO(int, const char *, int),
          (folder, path, flags), folder, path)
NAME_CALL(rmdir, (const char *path), const char *, (path), AT_FDCWD, path)
NAME_CALL(mkdir, (const char *path, mode_t bits), TWO(const char *, mode_t), (path, bits),
          AT_FDCWD, path)
NAME_CALL(mkdirat, (int folder, const char *path, mode_t bits), TWO(int, const char *, mode_t),
          (folder, path, bits), folder, path)

/* Opening counts only where it may make a file. */
static mode_t bits_of(int flags, va_list more)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN_CALL(name) \
    int name(const char *path, int flags, ...) \
    { \
        NEXT(int, #name, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t bits = bits_of(flags, more); \
        va_end(more); \
        if ((flags & O_CREAT) && strikes_name(#name, AT_FDCWD, path)) \
            return -1; \
        return next(path, flags, bits); \
    }
#define OPENAT_CALL(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        NEXT(int, #name, int, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t bits = bits_of(flags, more); \
        va_end(more); \
        if ((flags & O_CREAT) && strikes_name(#name, folder, path)) \
            return -1; \
        return next(folder, path, flags, bits); \
    }

OPEN_CALL(open)
OPEN_CALL(open64)
OPENAT_CALL(openat)
OPENAT_CALL(openat64)
