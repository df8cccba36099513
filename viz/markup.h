/* Text for Graphviz: labels (HTML-like) and tooltips (escString) in which names stand literally, whatever is in them. */
#ifndef VIZ_MARKUP_H
#define VIZ_MARKUP_H
#include "ir/ir.h"

/* Graphviz resolves backslash sequences once in labels and twice in tooltips; Markdown escapes its own marks. */
typedef enum oo_dialect { OO_LABEL, OO_TOOLTIP, OO_MARKDOWN } oo_dialect;

typedef struct oo_markup {
    oo_arena *arena;
    oo_dialect dialect;
    char *data;
    uint32_t n, cap;
} oo_markup;

enum { OO_WHOLE = 4000, OO_BRIEF = 34 };

oo_markup oo__markup(oo_arena *arena, oo_dialect dialect);
/* Trusted text: taken as it is. */
void oo__markup_add(oo_markup *m, const char *format, ...) OO_PRINTF(2, 3);
/* Foreign text: escaped; control characters and what is not UTF-8 become \xNN. Longer than `limit` characters, the head is kept. */
void oo__markup_text(oo_markup *m, const char *text, size_t size, uint32_t limit);
/* The same, but the tail is kept, where names of nodes and tensors differ. NULL is written as nothing. */
void oo__markup_name(oo_markup *m, const char *name, uint32_t limit);
/* NUL-terminated, in the arena. */
const char *oo__markup_done(oo_markup *m);

/* "float[N,3,224,224]", "seq(float[...])"; "?" for what is not known. */
void oo__markup_type(oo_markup *m, const oo_type *type);
/* "float[64,3]" of a tensor, and its elements when they are few. */
void oo__markup_tensor(oo_markup *m, const oo_tensor *tensor);
/* "[7,7]", "0.1", "\"linear\"". */
void oo__markup_attr(oo_markup *m, const oo_attr *attr);
#endif
