/* What the parts of the text parser share. Private to io/. */
#ifndef IO_TEXT_PARSE_H
#define IO_TEXT_PARSE_H
#include "io/io.h"
#include "io/text_lex.h"
#include "io/text_names.h"

/* An input whose value was not known yet when it was read. */
typedef struct oo__late_use {
    const oo_node *node;
    uint32_t index;
    oo__token where;
} oo__late_use;

typedef struct oo__parser {
    oo__lexer lex;
    oo_model *model;
    oo_binder *binder;
    struct oo__reader *external; /* finds the files of external data */
    uint32_t depth;              /* of graphs and types */
    /* The sink of the context is replaced while the parser runs, to add the place to what others report. */
    oo_sink sink;
    void *user;
    const oo__token *at; /* the name being defined or looked up, NULL = none */
    oo_vec(oo__late_use) late;
    oo_vec(oo__token) places; /* of graph outputs, until their names can be resolved; a stack as graphs nest */
} oo__parser;

/* Nesting of graphs, and of types, that is refused. */
enum { OO__TEXT_DEPTH = 64 };
/* Reports and returns OO_LIMIT when the text nests too deeply, else goes one level down; leave goes up. */
oo_status oo__parse_enter(oo__parser *p);
void oo__parse_leave(oo__parser *p);

/* The interned text of a NAME or STRING. */
const char *oo__parse_text(oo__parser *p, const oo__token *t);
/* The interned text of the current NAME or STRING; `what` says in messages what should stand here. */
oo_status oo__parse_name(const char **out, oo__parser *p, const char *what);
/* A STRING. */
oo_status oo__parse_string(const char **out, oo__parser *p, const char *what);
oo_status oo__parse_bytes(oo_bytes *out, oo__parser *p, const char *what);
oo_status oo__parse_int(int64_t *out, oo__parser *p, const char *what);
/* Whether a NAME or STRING comes. */
bool oo__parse_sees_name(const oo__parser *p);
/* name ("." name)*: all parts but the last, and the last. `domain` NULL when there is one part. */
oo_status oo__parse_dotted(const char **domain, const char **name, oo__parser *p, const char *what);
/* "key" : "value", ... */
oo_status oo__parse_props(oo_props *out, oo__parser *p);

bool oo__parse_sees_type(const oo__parser *p);
oo_status oo__parse_type(const oo_type **out, oo__parser *p);
/* The data of a tensor of this type: {...}, ["location": ...] or, when it has no elements, nothing. `where`: of the
 * type. */
oo_status oo__parse_tensor(oo_tensor **out, oo__parser *p, const oo_type *type, const oo__token *where,
                           const char *name);

/* name : kind = value. `graph` holds the node; `node` NULL: a function's default. */
oo_status oo__parse_attr(oo_attr **out, oo__parser *p, oo_graph *graph, oo_node *node);
/* The same behind the name. */
oo_status oo__parse_attr_value(oo_attr *attr, oo__parser *p, oo_graph *graph, oo_node *node);

/* A graph that lies in an attribute; `around` holds `owner`. */
oo_status oo__parse_subgraph(oo_graph **out, oo__parser *p, oo_graph *around, oo_node *owner);
oo_status oo__parse_main_graph(oo__parser *p);
/* A function with its <...> head. */
oo_status oo__parse_function(oo__parser *p);
/* <word: value, ...> into the fields of `object` that `keys` name. */
oo_status oo__parse_head(void *object, oo__parser *p, const oo__keys *keys);
#endif
