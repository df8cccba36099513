/* Interned strings: equal contents have equal addresses, so `==` compares. Contents may hold NULs (the length is kept);
 * a final NUL always follows. Each string has one slot in which a phase (name resolution, say) may keep a pointer. */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H
#include "base/arena.h"

typedef struct oo_intern oo_intern;

/* The strings live in `arena`; the hash table itself is released by oo__intern_free. */
oo_intern *oo__intern_new(oo_arena *arena);
void oo__intern_free(oo_intern *pool);
/* Makes room at once for `more` strings. */
void oo__intern_expect(oo_intern *pool, size_t more);
const char *oo__intern_bytes(oo_intern *pool, const void *data, size_t size);
const char *oo__intern(oo_intern *pool, const char *text);
/* The interned string with these contents, or NULL when there is none. */
const char *oo__intern_find(const oo_intern *pool, const void *data, size_t size);
/* Length in bytes, without the final NUL. Only for interned strings. */
size_t oo__str_len(const char *interned);
/* The string's slot; NULL content at first. Whoever uses it leaves it NULL. */
void **oo__str_slot(const char *interned);
#endif
