/* Libraries of the system that most runs do not need: loaded at the first call of one of their functions, so that the others do not pay
 * for them. docs/dependencies.md says which and why. Plugins are not loaded here: plugins/loader.c checks whom it trusts. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H
#include <stdbool.h>
#include <stddef.h>

/* Loads the shared library `file` (a bare name, which the system's linker looks up) and fills the struct `functions`, `count` function
 * pointers in the order of `names`. False, with all of them NULL, when the library or one of the functions is not there. It stays loaded. */
bool oo__library_load(void *functions, const char *file, const char *const *names, size_t count);
#endif
