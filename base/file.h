/* Files: read-only mapped sources, and outputs that appear whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include "base/diag.h"

/* A readable run of bytes: a mapped file, or memory (standard input is gathered in a memory file). */
typedef struct oo_source {
    int fd;               /* -1 for plain memory */
    const uint8_t *bytes; /* the whole content; mapped when fd >= 0; NULL when empty */
    uint64_t size;
    char *path;           /* as given; "-" for standard input */
    uint64_t device, inode;
    bool mapped;
    bool resident;        /* mapped, small, and read at once: its bytes are written from where they are */
} oo_source;

/* Opens and maps a regular file, or gathers standard input for "-". Errors go to `context`. */
oo_status oo__source_open(oo_source **out, oo_context *context, const char *path);
/* A source over memory that outlives it. `path` names it in messages. */
oo_source *oo__source_memory(const void *bytes, uint64_t size, const char *path);
void oo__source_close(oo_source *source);
/* Copies bytes out without leaving pages of the mapping in memory. False when the range or the read fails. */
bool oo__source_read(const oo_source *source, uint64_t offset, uint64_t size, void *out);
/* Makes a small file resident: its pages are mapped at once instead of one after another, and stay. */
void oo__source_expect(oo_source *source);
/* Tells the system that the pages of [offset, offset + size) are not needed for now, unless the source is resident; the content stays
 * readable. */
void oo__source_forget(const oo_source *source, uint64_t offset, uint64_t size);

/* An output file: written beside `path` under a temporary name, renamed by commit. "-" is standard output, which gets everything
 * at commit. A refused write is kept as an error until commit. */
typedef struct oo_output oo_output;
oo_status oo__output_open(oo_output **out, oo_context *context, const char *path);
void oo__output_write(oo_output *output, const void *bytes, size_t size);
void oo__output_copy(oo_output *output, const oo_source *source, uint64_t offset, uint64_t size);
/* `size` bytes from `offset` on: of what `make` makes, of `source`, or of memory. */
typedef struct oo_piece {
    /* Gives the bytes [offset, offset + size); asked in any order, by any thread, by one at a time. False = they cannot be had. Where
     * offset is a multiple of 16, so is `out`, but for small pieces. */
    bool (*make)(const void *state, uint64_t offset, size_t size, void *out);
    const void *state;
    const oo_source *source;
    const void *bytes;
    uint64_t offset, size;
} oo_piece;
/* Writes the pieces one after another. False when one could not be made: the output is then good for discarding only. */
bool oo__output_pieces(oo_output *output, const oo_piece *pieces, uint32_t n);
uint64_t oo__output_size(const oo_output *output);
/* Makes the file appear; frees the output. On failure nothing is left. `path` may be one that is mapped as a source. */
oo_status oo__output_commit(oo_output *output);
/* Leaves nothing; frees the output. */
void oo__output_discard(oo_output *output);
/* Removes the temporary files of all outputs that are open: for a signal handler. */
void oo__output_discard_all(void);
#endif
