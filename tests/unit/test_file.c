/* Outputs that appear whole or not at all, and read-only sources. Everything happens in a fresh folder under the current one. */
#include "tests/unit/build.h"

#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[4096];

static int enter_folder(void **state) {
    (void)state;
    if (!getcwd(home, sizeof home))
        return -1;
    char folder[] = "test_file.XXXXXX";
    if (!mkdtemp(folder))
        return -1;
    return chdir(folder);
}

static void remove_all(void) {
    DIR *const dir = opendir(".");
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)remove(e->d_name);
    closedir(dir);
}

static int leave_folder(void **state) {
    (void)state;
    char folder[4096];
    remove_all();
    return getcwd(folder, sizeof folder) && chdir(home) == 0 ? rmdir(folder) : -1;
}

/* ---- helpers ---- */
static unsigned files_here(void) {
    unsigned n = 0;
    DIR *const dir = opendir(".");
    for (const struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void assert_content(const char *path, const void *bytes, size_t size) {
    FILE *const f = fopen(path, "rb");
    assert_non_null(f);
    char *const got = oo__malloc(size + 1);
    assert_int_equal(fread(got, 1, size + 1, f), size);
    assert_memory_equal(got, bytes, size);
    free(got);
    fclose(f);
}

static uint8_t *noise(size_t size) {
    uint8_t *const bytes = oo__malloc(size);
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)draw(&seed, 256);
    return bytes;
}

static oo_output *open_output(oo_context *context, const char *path) {
    oo_output *output;
    assert_int_equal(oo__output_open(&output, context, path), OO_OK);
    return output;
}

static oo_source *open_source(oo_context *context, const char *path) {
    oo_source *source;
    assert_int_equal(oo__source_open(&source, context, path), OO_OK);
    return source;
}

/* ---- outputs ---- */
static void nothing_is_seen_before_commit(void **state) {
    (void)state;
    oo_context *const context = new_context();
    oo_output *const o = open_output(context, "new.bin");
    uint8_t *const bytes = noise(600000);
    oo__output_write(o, bytes, 10);
    oo__output_write(o, bytes + 10, 599990); /* larger than the buffer */
    assert_int_equal(oo__output_size(o), 600000);
    assert_int_not_equal(access("new.bin", F_OK), 0);
    assert_int_equal(files_here(), 1);
    assert_int_equal(oo__output_commit(o), OO_OK);
    assert_content("new.bin", bytes, 600000);
    assert_int_equal(files_here(), 1);
    free(bytes);
    assert_told_nothing();
    oo_context_free(context);
    remove_all();
}

static void existing_file_is_kept_until_commit(void **state) {
    (void)state;
    oo_context *const context = new_context();
    write_file("old.bin", "old", 3);
    oo_output *o = open_output(context, "old.bin");
    oo__output_write(o, "new!", 4);
    assert_content("old.bin", "old", 3);
    oo__output_discard(o);
    assert_content("old.bin", "old", 3);
    assert_int_equal(files_here(), 1);
    o = open_output(context, "old.bin");
    oo__output_write(o, "new!", 4);
    assert_int_equal(oo__output_commit(o), OO_OK);
    assert_content("old.bin", "new!", 4);
    assert_int_equal(files_here(), 1);
    oo__output_discard(NULL);
    oo_context_free(context);
    remove_all();
}

static void link_is_followed(void **state) {
    (void)state;
    oo_context *const context = new_context();
    assert_int_equal(mkdir("folder", 0777), 0);
    write_file("folder/target.bin", "old", 3);
    assert_int_equal(symlink("folder/target.bin", "link.bin"), 0);
    oo_output *const o = open_output(context, "link.bin");
    oo__output_write(o, "new!", 4);
    assert_int_equal(oo__output_commit(o), OO_OK);
    struct stat info;
    assert_int_equal(lstat("link.bin", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content("folder/target.bin", "new!", 4);
    assert_int_equal(remove("folder/target.bin"), 0);
    assert_int_equal(rmdir("folder"), 0); /* nothing else was left in it */
    oo_context_free(context);
    remove_all();
}

static void devices_are_written_directly(void **state) {
    (void)state;
    oo_context *const context = new_context();
    oo_output *o = open_output(context, "/dev/null");
    oo__output_write(o, "abc", 3);
    assert_int_equal(oo__output_commit(o), OO_OK);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_told_nothing();
    o = open_output(context, "/dev/full");
    oo__output_write(o, "abc", 3);
    assert_int_equal(oo__output_commit(o), OO_IO);
    assert_told("file-write /dev/full");
    assert_told("No space left");
    oo__output_discard(open_output(context, "/dev/null"));
    oo_context_free(context);
}

static void refused_places(void **state) {
    (void)state;
    oo_context *const context = new_context();
    write_file("file", "x", 1);
    static const char *const paths[] = {"missing/a.onnx", "file/a.onnx", "/proc/self/a.onnx", ""};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        forget_told();
        oo_output *o = (oo_output *)1;
        assert_int_equal(oo__output_open(&o, context, paths[i]), OO_IO);
        assert_null(o);
        assert_told("cannot be created");
        assert_int_equal(told.count, 1);
    }
    if (geteuid() != 0) { /* root may write anywhere */
        forget_told();
        assert_int_equal(mkdir("closed", 0555), 0);
        oo_output *o;
        assert_int_equal(oo__output_open(&o, context, "closed/a"), OO_IO);
        assert_told("Permission denied");
        assert_int_equal(rmdir("closed"), 0);
    }
    assert_int_equal(mkdir("folder", 0777), 0);
    oo_output *o;
    assert_int_equal(oo__output_open(&o, context, "folder"), OO_IO);
    assert_told("Is a directory");
    assert_int_equal(rmdir("folder"), 0);
    assert_int_equal(files_here(), 1);
    oo_context_free(context);
    remove_all();
}

/* A file system that is full: here a limit on the size of files. Written or copied, small or large, nothing is left. */
static void refused_write_leaves_nothing(void **state) {
    (void)state;
    static const size_t sizes[] = {200000, 3000000};
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(3000000);
    write_file("source.bin", bytes, 3000000);
    oo_source *const source = open_source(context, "source.bin");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (unsigned k = 0; k < 4; k++) {
        forget_told();
        write_file("old.bin", "old", 3);
        oo_output *const o = open_output(context, "old.bin");
        const struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        if (k & 1)
            oo__output_copy(o, source, 0, sizes[k / 2]);
        else
            oo__output_write(o, bytes, sizes[k / 2]);
        oo__output_write(o, bytes, 500);
        const oo_status status = oo__output_commit(o);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, OO_IO);
        assert_told("File too large");
        assert_int_equal(told.count, 1);
        assert_content("old.bin", "old", 3);
        assert_int_equal(files_here(), 2);
    }
    signal(SIGXFSZ, SIG_DFL);
    oo__source_close(source);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

/* Runs of every size around those of buffers, written and copied in turn. */
static void copies_of_every_size(void **state) {
    (void)state;
    enum { TOTAL = 3500000, LARGEST = 2500000 };
    static const uint32_t sizes[] = {0,      1,      100,    32767,   32768,   32769,   65536,  262143,
                                     262144, 262145, 400000, 1048575, 1048576, 1048577, LARGEST};
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(TOTAL);
    write_file("source.bin", bytes, TOTAL);
    oo_source *const sources[] = {open_source(context, "source.bin"), oo__source_memory(bytes, TOTAL, NULL)};
    uint8_t *const expected = oo__malloc(COUNT_OF(sizes) * 2 * (size_t)LARGEST);
    uint64_t seed = 5;
    for (size_t s = 0; s < COUNT_OF(sources); s++) {
        size_t size = 0;
        oo_output *const o = open_output(context, "copy.bin");
        for (uint32_t i = 0; i < COUNT_OF(sizes) * 2; i++) {
            const uint32_t n = sizes[draw(&seed, COUNT_OF(sizes))], at = draw(&seed, TOTAL - n + 1);
            if (i % 3 == 0)
                oo__output_write(o, bytes + at, n);
            else
                oo__output_copy(o, sources[s], at, n);
            memcpy(expected + size, bytes + at, n);
            size += n;
            assert_int_equal(oo__output_size(o), size);
        }
        assert_int_equal(oo__output_commit(o), OO_OK);
        assert_content("copy.bin", expected, size);
        oo__source_close(sources[s]);
    }
    free(expected);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

/* ---- pieces ---- */
typedef struct maker {
    const uint8_t *bytes;
    uint64_t refuse_from; /* offsets from here on cannot be had */
    atomic_int inside, together, misaligned;
} maker;

static bool make_bytes(const void *state, uint64_t offset, size_t size, void *out) {
    maker *const m = (maker *)(uintptr_t)state;
    m->together += atomic_fetch_add(&m->inside, 1) != 0;
    m->misaligned += size >= 200000 && ((uintptr_t)out - offset) % 16 != 0;
    const bool ok = offset + size <= m->refuse_from;
    if (ok)
        memcpy(out, m->bytes + offset, size);
    atomic_fetch_sub(&m->inside, 1);
    return ok;
}

/* Pieces of every kind and of sizes around the block, behind bytes that were written: two threads put them where they belong, and only
 * one of them makes at a time. */
static void pieces_of_every_kind(void **state) {
    (void)state;
    enum { TOTAL = 1200000, COUNT = 40 };
    static const uint32_t sizes[] = {0, 0, 1, 3, 100, 4096, 32769, 262143, 262144, 262145, 600001, 1048577};
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(TOTAL), *const expected = oo__malloc((size_t)COUNT * TOTAL + 700000);
    write_file("source.bin", bytes, TOTAL);
    oo_source *const file = open_source(context, "source.bin"), *const memory = oo__source_memory(bytes, TOTAL, NULL);
    oo_source *const resident = open_source(context, "source.bin");
    oo__source_expect(resident);
    assert_true(resident->resident);
    maker m = {.bytes = bytes, .refuse_from = UINT64_MAX};
    uint64_t seed = 9;
    for (unsigned turn = 0; turn < 6; turn++) {
        oo_piece pieces[COUNT];
        size_t size = turn % 2 ? draw(&seed, 700000) : 0;
        oo_output *const o = open_output(context, "pieces.bin");
        oo__output_write(o, bytes, size);
        memcpy(expected, bytes, size);
        for (uint32_t i = 0; i < COUNT; i++) {
            const uint32_t n = sizes[draw(&seed, COUNT_OF(sizes))], at = draw(&seed, TOTAL - n + 1);
            const oo_piece kinds[] = {{.make = make_bytes, .state = &m, .offset = at, .size = n},
                                      {.source = file, .offset = at, .size = n},
                                      {.source = resident, .offset = at, .size = n},
                                      {.source = memory, .offset = at, .size = n},
                                      {.bytes = bytes, .offset = at, .size = n}};
            pieces[i] = kinds[draw(&seed, COUNT_OF(kinds))];
            memcpy(expected + size, bytes + at, n);
            size += n;
        }
        assert_true(oo__output_pieces(o, pieces, turn == 4 ? 0 : COUNT));
        size = turn == 4 ? 0 : size;
        assert_int_equal(oo__output_size(o), size);
        oo__output_write(o, bytes, 1000);
        memcpy(expected + size, bytes, 1000);
        assert_int_equal(oo__output_commit(o), OO_OK);
        assert_content("pieces.bin", expected, size + 1000);
    }
    assert_int_equal(m.together, 0);
    assert_int_equal(m.misaligned, 0);
    oo__source_close(file);
    oo__source_close(resident);
    oo__source_close(memory);
    free(expected);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void pieces_that_cannot_be_made(void **state) {
    (void)state;
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(5000000);
    maker m = {.bytes = bytes, .refuse_from = 4000000};
    static const uint64_t ends[] = {4000000, 4000001, 5000000};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        oo_output *const o = open_output(context, "pieces.bin");
        const oo_piece piece = {.make = make_bytes, .state = &m, .size = ends[i]};
        assert_int_equal(oo__output_pieces(o, &piece, 1), ends[i] == 4000000);
        oo__output_discard(o);
    }
    assert_int_equal(files_here(), 0);
    assert_told_nothing();
    free(bytes);
    oo_context_free(context);
    remove_all();
}

/* Nothing lies beyond the end of a file. */
/* What shrinks between reading and writing is an error, not a fault. */
static void resident_file_that_shrank(void **state) {
    (void)state;
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(300000);
    for (int small = 0; small < 2; small++) {
        write_file("source.bin", bytes, 300000);
        oo_source *const source = open_source(context, "source.bin");
        oo__source_expect(source);
        assert_int_equal(truncate("source.bin", 5000), 0);
        oo_output *const o = open_output(context, "out.bin");
        oo__output_copy(o, source, 200000, small ? 100 : 90000);
        assert_int_equal(oo__output_commit(o), OO_IO);
        oo__source_close(source);
        assert_int_equal(files_here(), 1);
    }
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void copy_beyond_the_end_fails(void **state) {
    (void)state;
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(50000);
    write_file("source.bin", bytes, 50000);
    oo_source *const source = open_source(context, "source.bin");
    static const uint64_t wanted[] = {1000, 40000, 2000000};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        oo_output *const o = open_output(context, "copy.bin");
        oo__output_copy(o, source, 49900, wanted[i]);
        assert_int_equal(oo__output_commit(o), OO_IO);
    }
    oo__source_close(source);
    assert_int_equal(files_here(), 1);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void output_over_its_own_source(void **state) {
    (void)state;
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(200000);
    write_file("model.bin", bytes, 200000);
    oo_source *const source = open_source(context, "model.bin");
    oo_output *const o = open_output(context, "model.bin");
    oo__output_copy(o, source, 100000, 100000);
    assert_int_equal(oo__output_commit(o), OO_OK);
    assert_content("model.bin", bytes + 100000, 100000);
    assert_memory_equal(source->bytes, bytes, 200000); /* the old content as long as it is open */
    oo__source_close(source);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void standard_output_gets_all_at_commit(void **state) {
    (void)state;
    oo_context *const context = new_context();
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    const int file = open("stdout.bin", O_CREAT | O_RDWR, 0666);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
    uint8_t *const bytes = noise(300000);
    oo_output *o = open_output(context, "-");
    oo__output_write(o, bytes, 300000);
    struct stat before, after;
    fstat(file, &before);
    const oo_status status = oo__output_commit(o);
    fstat(file, &after);
    o = open_output(context, "-");
    oo__output_write(o, bytes, 10);
    oo__output_discard(o);
    const bool open_still = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(file);
    assert_int_equal(status, OO_OK);
    assert_int_equal(before.st_size, 0);
    assert_int_equal(after.st_size, 300000);
    assert_true(open_still);
    assert_content("stdout.bin", bytes, 300000);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void discard_all_for_signals(void **state) {
    (void)state;
    oo_context *const context = new_context();
    oo_output *outputs[20]; /* more than are remembered */
    char name[32];
    for (unsigned i = 0; i < COUNT_OF(outputs); i++) {
        snprintf(name, sizeof name, "out%u", i);
        outputs[i] = open_output(context, name);
    }
    assert_int_equal(files_here(), COUNT_OF(outputs));
    oo__output_discard_all();
    assert_int_equal(files_here(), COUNT_OF(outputs) - 16);
    assert_int_equal(oo__output_commit(outputs[0]), OO_IO);
    for (unsigned i = 1; i < COUNT_OF(outputs); i++)
        oo__output_discard(outputs[i]);
    assert_int_equal(files_here(), 0);
    oo__output_discard_all();
    oo_context_free(context);
}

/* A name beside the target that is taken, e.g. by a process that crashed, is passed over. */
static void taken_temporary_names(void **state) {
    (void)state;
    oo_context *const context = new_context();
    oo_output *const a = open_output(context, "same.bin"), *const b = open_output(context, "same.bin");
    oo__output_write(a, "a", 1);
    oo__output_write(b, "bb", 2);
    assert_int_equal(oo__output_commit(a), OO_OK);
    assert_content("same.bin", "a", 1);
    assert_int_equal(oo__output_commit(b), OO_OK);
    assert_content("same.bin", "bb", 2);
    assert_int_equal(files_here(), 1);
    oo_context_free(context);
    remove_all();
}

/* ---- sources ---- */
static void mapped_source(void **state) {
    (void)state;
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(100000);
    write_file("in.bin", bytes, 100000);
    oo_source *const s = open_source(context, "in.bin");
    assert_true(s->mapped && s->fd >= 0);
    assert_string_equal(s->path, "in.bin");
    assert_int_equal(s->size, 100000);
    assert_memory_equal(s->bytes, bytes, 100000);
    oo__source_forget(s, 5000, 90000);
    oo__source_forget(s, 0, 1);
    assert_memory_equal(s->bytes, bytes, 100000);
    uint8_t part[1000];
    assert_true(oo__source_read(s, 99000, 1000, part));
    assert_memory_equal(part, bytes + 99000, 1000);
    assert_true(oo__source_read(s, 100000, 0, part));
    assert_false(oo__source_read(s, 99001, 1000, part));
    assert_false(oo__source_read(s, 100001, 0, part));
    assert_false(oo__source_read(s, UINT64_MAX, 2, part));
    assert_false(oo__source_read(s, 1, UINT64_MAX, part));
    struct stat info;
    stat("in.bin", &info);
    assert_int_equal(s->inode, info.st_ino);
    assert_int_equal(truncate("in.bin", 500), 0); /* a file that shrinks under us is an error, not a fault */
    assert_false(oo__source_read(s, 400, 1000, part));
    oo__source_close(s);
    oo__source_close(NULL);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void source_through_a_fifo(void **state) {
    (void)state;
    enum { SIZE = 300001 };
    oo_context *const context = new_context();
    uint8_t *const bytes = noise(SIZE);
    assert_int_equal(mkfifo("fifo", 0666), 0);
    const pid_t child = fork();
    if (child == 0) {
        const int fd = open("fifo", O_WRONLY);
        for (size_t done = 0; done < SIZE;) {
            const size_t part = SIZE - done < 10001 ? SIZE - done : 10001;
            const ssize_t n = write(fd, bytes + done, part);
            if (n <= 0)
                break;
            done += (size_t)n;
        }
        close(fd);
        _exit(0);
    }
    oo_source *const s = open_source(context, "fifo");
    waitpid(child, NULL, 0);
    assert_true(s->mapped);
    assert_int_equal(s->size, SIZE);
    assert_memory_equal(s->bytes, bytes, SIZE);
    oo__source_close(s);
    free(bytes);
    oo_context_free(context);
    remove_all();
}

static void source_from_standard_input(void **state) {
    (void)state;
    oo_context *const context = new_context();
    write_file("in.bin", "hello", 5);
    const int saved = dup(STDIN_FILENO);
    const int file = open("in.bin", O_RDONLY);
    dup2(file, STDIN_FILENO);
    close(file);
    oo_source *const s = open_source(context, "-");
    assert_int_equal(s->size, 5);
    assert_memory_equal(s->bytes, "hello", 5);
    oo__source_close(s);
    const int folder = open(".", O_RDONLY); /* cannot be read from */
    dup2(folder, STDIN_FILENO);
    close(folder);
    oo_source *none;
    assert_int_equal(oo__source_open(&none, context, "-"), OO_IO);
    assert_told("standard input");
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
    oo_context_free(context);
    remove_all();
}

static void sources_without_content(void **state) {
    (void)state;
    oo_context *const context = new_context();
    write_file("empty", "", 0);
    oo_source *s = open_source(context, "empty");
    assert_int_equal(s->size, 0);
    assert_null(s->bytes);
    assert_true(oo__source_read(s, 0, 0, NULL));
    oo__source_forget(s, 0, 0);
    oo__source_close(s);
    assert_told_nothing();
    s = (oo_source *)1;
    assert_int_equal(oo__source_open(&s, context, "missing"), OO_IO);
    assert_null(s);
    assert_told("file-read missing");
    assert_told("No such file");
    assert_int_equal(oo__source_open(&s, context, "."), OO_IO);
    assert_told("Is a directory");
    assert_int_equal(oo__source_open(&s, context, "empty/x"), OO_IO);
    assert_told("Not a directory");
    assert_int_equal(told.count, 3);
    oo_context_free(context);
    remove_all();
}

static void memory_source(void **state) {
    (void)state;
    oo_source *const s = oo__source_memory("abcdef", 6, NULL);
    char part[3];
    assert_true(oo__source_read(s, 2, 3, part));
    assert_memory_equal(part, "cde", 3);
    assert_false(oo__source_read(s, 4, 3, part));
    assert_false(oo__source_read(s, UINT64_MAX, 2, part));
    oo__source_forget(s, 0, 6);
    assert_string_equal(s->path, "memory");
    assert_false(s->mapped);
    oo__source_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_seen_before_commit),
        cmocka_unit_test(existing_file_is_kept_until_commit),
        cmocka_unit_test(link_is_followed),
        cmocka_unit_test(devices_are_written_directly),
        cmocka_unit_test(refused_places),
        cmocka_unit_test(refused_write_leaves_nothing),
        cmocka_unit_test(copies_of_every_size),
        cmocka_unit_test(pieces_of_every_kind),
        cmocka_unit_test(pieces_that_cannot_be_made),
        cmocka_unit_test(resident_file_that_shrank),
        cmocka_unit_test(copy_beyond_the_end_fails),
        cmocka_unit_test(output_over_its_own_source),
        cmocka_unit_test(standard_output_gets_all_at_commit),
        cmocka_unit_test(discard_all_for_signals),
        cmocka_unit_test(taken_temporary_names),
        cmocka_unit_test(mapped_source),
        cmocka_unit_test(source_through_a_fifo),
        cmocka_unit_test(source_from_standard_input),
        cmocka_unit_test(sources_without_content),
        cmocka_unit_test(memory_source),
    };
    return cmocka_run_group_tests_name("file", tests, enter_folder, leave_folder);
}
