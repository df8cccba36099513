/* Finding, checking and opening plugins. What is checked is what is loaded: the descriptor that passed the checks is opened again
 * through /proc. Constructors of a shared object run inside dlopen, so every check comes before it. */
#define OO_STATIC
#include "plugins/loader.h"

#include "plugins/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A plugin that is in the process. Neither its handle nor its descriptor is ever closed: passes point into it, and the dynamic
 * linker takes a second file under the same /proc/self/fd name for the first one. */
typedef struct oo_loaded {
    dev_t device;
    ino_t inode;
    const oo_registry *registry;
    struct oo_loaded *next;
} oo_loaded;
static oo_loaded *loaded;

#define refuse(context, code, path, ...) oo__file_error((context), (code), (path), -1, __VA_ARGS__)

/* ---- finding ---- */
/* Letters, digits, '-' and '_' only: a name cannot lead out of the searched folders. */
static bool is_name(const char *what) {
    const size_t n = strspn(what, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return n > 0 && n < 100 && !what[n];
}

typedef struct search {
    const char *name;
    oo_arena *arena;
    const char *found; /* NULL until it is */
    const char *tried; /* folders so far, for the message */
} search;

static void try_folder(search *s, const char *folder, size_t size) {
    if (s->found || size == 0)
        return;
    const char *const path = oo__arena_printf(s->arena, "%.*s/onnxopt-%s.so", (int)size, folder, s->name);
    struct stat info;
    if (stat(path, &info) == 0)
        s->found = path;
    s->tried = oo__arena_printf(s->arena, "%s%s%.*s", s->tried, *s->tried ? ", " : "", (int)size, folder);
}

static void try_environment(search *s, oo_context *context) {
    const char *list = secure_getenv("ONNXOPT_PLUGIN_PATH");
    while (list && *list && !s->found) {
        const size_t size = strcspn(list, ":");
        if (*list == '/')
            try_folder(s, list, size);
        else if (size)
            oo__diag(context, (oo_diag){.severity = OO_WARNING, .code = "plugin-path", .offset = -1},
                     "ONNXOPT_PLUGIN_PATH: \"%s\" is no absolute path and is not searched", oo__printable(list, size));
        list += size + (list[size] == ':');
    }
}

static void try_user_folder(search *s) {
    const char *const data = secure_getenv("XDG_DATA_HOME");
    const char *const home = secure_getenv("HOME");
    const char *folder = NULL;
    if (data && *data == '/')
        folder = oo__arena_printf(s->arena, "%s/onnxopt/plugins", data);
    else if (home && *home == '/')
        folder = oo__arena_printf(s->arena, "%s/.local/share/onnxopt/plugins", home);
    if (folder)
        try_folder(s, folder, strlen(folder));
}

/* The path of the plugin called `name`; OO_IO after a diagnostic when there is none. */
static oo_status find(const char **out, oo_context *context, const char *name, const oo_loader_settings *settings,
                      oo_arena *arena) {
    if (!is_name(name)) {
        const char *const shown = oo__printable(name, strlen(name));
        refuse(context, "plugin-name", NULL,
               "\"%s\" is no name of a plugin (letters, digits, '-', '_'); for a file write a path with a slash: ./%s", shown,
               shown);
        return OO_INVALID;
    }
    search s = {.name = name, .arena = arena, .tried = ""};
    if (settings && settings->plugin_dir)
        try_folder(&s, settings->plugin_dir, strlen(settings->plugin_dir));
    try_environment(&s, context);
    try_user_folder(&s);
    try_folder(&s, ONNXOPT_PLUGIN_DIR, strlen(ONNXOPT_PLUGIN_DIR));
    if (!s.found) {
        refuse(context, "plugin-missing", NULL, "there is no onnxopt-%s.so in %s", name, s.tried);
        return OO_IO;
    }
    *out = s.found;
    return OO_OK;
}

/* ---- checking ---- */
static bool is_trusted_owner(uid_t owner) { return owner == 0 || owner == geteuid(); }

static oo_status check_file(oo_context *context, const char *path, const struct stat *info) {
    if (S_ISDIR(info->st_mode))
        refuse(context, "plugin-file", path, "the plugin is a folder");
    else if (!S_ISREG(info->st_mode))
        refuse(context, "plugin-file", path, "the plugin is no regular file");
    else if (!is_trusted_owner(info->st_uid))
        refuse(context, "plugin-owner", path, "the plugin belongs to user %lu, neither to root nor to you",
               (unsigned long)info->st_uid);
    else if (info->st_mode & (S_IWGRP | S_IWOTH))
        refuse(context, "plugin-writable", path, "the plugin may be changed by others (mode %03o); chmod go-w allows it",
               (unsigned)(info->st_mode & 0777));
    else
        return OO_OK;
    return OO_INVALID;
}

/* Whether somebody else may put another file in the place of one in this folder. A sticky folder lets only owners do that. */
static bool is_open_folder(const struct stat *info) {
    const bool writable = info->st_mode & (S_IWGRP | S_IWOTH);
    return !is_trusted_owner(info->st_uid) || (writable && !(info->st_mode & S_ISVTX));
}

/* Looks at a folder (absolute; it is cut on the way) and all above it: an error for a searched plugin, a warning for one that was
 * named by its path. */
static oo_status check_folders(oo_context *context, const char *path, char *folder, bool searched) {
    for (;;) {
        struct stat info;
        const bool known = stat(folder, &info) == 0;
        if (!known || is_open_folder(&info)) {
            const oo_severity severity = searched ? OO_ERROR : OO_WARNING;
            oo__diag(context, (oo_diag){.severity = severity, .code = "plugin-folder", .file = path, .offset = -1},
                     "others may replace the plugin: folder %s %s", folder,
                     known && !is_trusted_owner(info.st_uid) ? "belongs to another user" : "is writable for others");
            return searched ? OO_INVALID : OO_OK;
        }
        char *const slash = strrchr(folder, '/');
        if (!slash || strcmp(folder, "/") == 0)
            return OO_OK;
        slash[slash == folder] = 0;
    }
}

/* The folders of the file itself; of a searched plugin, those of a link to it too. */
static oo_status check_place(oo_context *context, const char *path, bool searched, oo_arena *arena) {
    oo_status status = OO_OK;
    for (int of_link = 0; of_link <= searched && status == OO_OK; of_link++) {
        char *const copy = oo__arena_printf(arena, "%s", path);
        if (of_link)
            *strrchr(copy, '/') = 0;
        char *const real = realpath(of_link && !*copy ? "/" : copy, NULL);
        if (!real) {
            refuse(context, "plugin-open", path, "the plugin's folder cannot be examined: %s", strerror(errno));
            return OO_IO;
        }
        if (!of_link) {
            char *const slash = strrchr(real, '/');
            slash[slash == real] = 0;
        }
        status = check_folders(context, path, real, searched);
        free(real);
    }
    return status;
}

/* Whether the file is a whole shared object: the dynamic linker maps a truncated one and dies of it. */
static bool is_shared_object(int fd, uint64_t size) {
    ElfW(Ehdr) header;
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    if (header.e_type != ET_DYN || header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum == 0)
        return false;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        ElfW(Phdr) part;
        const uint64_t at = header.e_phoff + i * sizeof part;
        if (at > size || pread(fd, &part, sizeof part, (off_t)at) != (ssize_t)sizeof part)
            return false;
        if (part.p_type == PT_LOAD && (part.p_offset > size || part.p_filesz > size - part.p_offset))
            return false;
    }
    return true;
}

/* ---- loading ---- */
/* The reason of the dynamic linker without the /proc name that it puts in front. */
static const char *linker_reason(const char *name) {
    const char *const reason = dlerror();
    if (!reason)
        return "the dynamic linker gives no reason";
    const size_t n = strlen(name);
    return strncmp(reason, name, n) == 0 && strncmp(reason + n, ": ", 2) == 0 ? reason + n + 2 : reason;
}

/* NULL after a diagnostic. */
static void *open_checked(oo_context *context, int fd, const char *path, const struct stat *info) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const char *from = name;
    if (access(name, R_OK) != 0) {
        /* No /proc here. Between this look and dlopen a gap remains; only owners who are trusted can use it. */
        struct stat again;
        from = path;
        if (stat(path, &again) != 0 || again.st_dev != info->st_dev || again.st_ino != info->st_ino) {
            refuse(context, "plugin-open", path, "the plugin changed while it was opened");
            return NULL;
        }
    }
    void *const handle = dlopen(from, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        refuse(context, "plugin-load", path, "the plugin cannot be loaded: %s", linker_reason(from));
    return handle;
}

static oo_status enter(oo_context *context, oo_registry *registry, void *handle, const char *path) {
    oo_plugin_entry entry;
    void *const symbol = dlsym(handle, "onnxopt_plugin");
    if (!symbol) {
        refuse(context, "plugin-entry", path, "the plugin does not export the function onnxopt_plugin");
        return OO_INVALID;
    }
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion from object to function pointers */
    const uint32_t errors = context->errors;
    const int result = entry(&oo__host_api, registry);
    if (result == 0)
        return OO_OK;
    if (result < 0)
        refuse(context, "plugin-version", path, "the plugin was built for major version %d of onnxopt, this is version %s",
               -(result + 1), OO_VERSION_TEXT);
    else if (context->errors == errors)
        refuse(context, "plugin-failed", path, "the plugin's entry function failed with status %d", result);
    return OO_INVALID;
}

/* Keeps `fd` when the plugin got as far as dlopen. */
static oo_status load_open(oo_context *context, oo_registry *registry, int *fd, const char *path, bool searched,
                          oo_arena *arena) {
    struct stat info;
    if (fstat(*fd, &info) != 0) {
        refuse(context, "plugin-open", path, "the plugin cannot be examined: %s", strerror(errno));
        return OO_IO;
    }
    OO_TRY(check_file(context, path, &info));
    OO_TRY(check_place(context, path, searched, arena));
    for (const oo_loaded *l = loaded; l; l = l->next)
        if (l->device == info.st_dev && l->inode == info.st_ino && l->registry == registry)
            return OO_OK;
    if (!is_shared_object(*fd, (uint64_t)info.st_size)) {
        refuse(context, "plugin-format", path, "the plugin is no shared object, or not a whole one");
        return OO_INVALID;
    }
    void *const handle = open_checked(context, *fd, path, &info);
    if (!handle)
        return OO_INVALID;
    *fd = -1;
    oo_loaded *const entry = oo__malloc(sizeof *entry);
    *entry = (oo_loaded){.device = info.st_dev, .inode = info.st_ino, .registry = registry, .next = loaded};
    loaded = entry;
    oo__registry_set_origin(registry, path);
    const oo_status status = enter(context, registry, handle, path);
    oo__registry_set_origin(registry, "built-in");
    return status;
}

oo_status oo__plugin_load(oo_context *context, oo_registry *registry, const char *what, const oo_loader_settings *settings) {
    oo_arena *const arena = oo__arena_new();
    const bool searched = !strchr(what, '/');
    const char *path = what;
    oo_status status = searched ? find(&path, context, what, settings, arena) : OO_OK;
    if (status == OO_OK) {
        /* Not blocking: a pipe is refused below, not waited for. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
            refuse(context, errno == ENOENT ? "plugin-missing" : "plugin-open", path, "the plugin cannot be opened: %s",
                   strerror(errno));
            status = OO_IO;
        } else {
            status = load_open(context, registry, &fd, path, searched, arena);
            if (fd >= 0)
                close(fd);
        }
    }
    oo__arena_free(arena);
    return status;
}
