#include "base/pages.h"

#include "base/arena.h"

#include <stdint.h>
#include <sys/mman.h>

static size_t whole_pages(size_t size) { return (size + 4095) / 4096 * 4096; }

static void *map(size_t size, int flags) {
    void *const start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (start == MAP_FAILED)
        oo__oom(size);
    return start;
}

void *oo__pages_new(size_t size) {
    if (size > SIZE_MAX / 2)
        oo__oom(size);
    const size_t wanted = whole_pages(size), mapped = wanted + OO_HUGE_PAGE;
    if (wanted < OO_HUGE_PAGE)
        return map(wanted, MAP_POPULATE);
    char *const start = map(mapped, 0);
    const size_t before = (OO_HUGE_PAGE - (uintptr_t)start % OO_HUGE_PAGE) % OO_HUGE_PAGE;
    char *const pages = start + before;
    if (before)
        munmap(start, before);
    if (mapped > before + wanted)
        munmap(pages + wanted, mapped - before - wanted);
    /* What does not fill a huge page stays small: it may never be used. */
    const size_t huge = wanted / OO_HUGE_PAGE * OO_HUGE_PAGE;
    if (huge)
        madvise(pages, huge, MADV_HUGEPAGE);
    return pages;
}

void oo__pages_free(void *pages, size_t size) {
    if (pages)
        munmap(pages, whole_pages(size));
}
