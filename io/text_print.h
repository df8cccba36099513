/* What the parts of the text printer share. Private to io/. */
#ifndef IO_TEXT_PRINT_H
#define IO_TEXT_PRINT_H
#include "io/io.h"
#include "io/text_names.h"

typedef struct oo__printer {
    char *data; /* from malloc */
    size_t size, room;
    uint64_t elide;  /* tensors of more elements are left out; 0 = none */
    uint32_t indent; /* levels */
    bool one_line;   /* subgraphs are left out */
    struct {
        char *data;
        size_t size, room;
    } note; /* a comment for the end of the line */
} oo__printer;

void oo__print_bytes(oo__printer *o, const void *data, size_t size);
void oo__print_text(oo__printer *o, const char *text);
void oo__print_format(oo__printer *o, const char *format, ...) OO_PRINTF(2, 3);
/* Ends the line, with its comment, and indents the next. */
void oo__print_line(oo__printer *o);
/* Adds to the comment of the line. */
void oo__print_note(oo__printer *o, const char *format, ...) OO_PRINTF(2, 3);

/* In quotes, with backslashes where they are needed. */
void oo__print_quoted(oo__printer *o, const void *data, size_t size);
/* As it is when it is a name, else in quotes. */
void oo__print_word(oo__printer *o, const char *text, size_t size);
/* As it is when it is a name that no type begins with, else in quotes. NULL is "". */
void oo__print_name(oo__printer *o, const char *interned);
void oo__print_value(oo__printer *o, const oo_value *value);
/* a.b.c: each part that is no name is put in quotes. */
void oo__print_dotted(oo__printer *o, const char *interned);
void oo__print_props(oo__printer *o, const oo_props *props);

/* Whether the syntax has words for all of the type. */
bool oo__type_has_text(const oo_type *type);
void oo__print_type(oo__printer *o, const oo_type *type);
/* {...}, ["location": ...]. `what` names the tensor in the comment that an elided one gets. */
void oo__print_tensor_type(oo__printer *o, const oo_tensor *t);
void oo__print_tensor_data(oo__printer *o, const oo_tensor *t, const char *what);
void oo__print_attr(oo__printer *o, const oo_attr *attr);
/* Inputs, outputs, infos and nodes, behind the name. */
void oo__print_graph(oo__printer *o, const oo_graph *graph);
#endif
