#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

bool oo__library_load(void *functions, const char *file, const char *const *names, size_t count) {
    memset(functions, 0, count * sizeof(void *));
    void *const library = dlopen(file, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return false;
    for (size_t i = 0; i < count; i++) {
        void *const function = dlsym(library, names[i]);
        if (!function) {
            memset(functions, 0, count * sizeof(void *));
            return false;
        }
        /* C has no conversion from an object pointer to a function pointer; POSIX says that they look alike. */
        memcpy((char *)functions + i * sizeof(void *), &function, sizeof function);
    }
    return true;
}
