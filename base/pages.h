/* Large memory from the system, in huge pages where it has them: on a virtual machine the first touch of a small page costs two
 * microseconds, ten times as much as zeroing it. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H
#include <stddef.h>

enum { OO_HUGE_PAGE = 2 * 1024 * 1024 };

/* `size` zeroed bytes; never NULL. What is smaller than a huge page is resident at once; the rest begins at a multiple of OO_HUGE_PAGE
 * and is not before it is touched. */
void *oo__pages_new(size_t size);
/* `size` as it was asked for. NULL is allowed. */
void oo__pages_free(void *pages, size_t size);
#endif
