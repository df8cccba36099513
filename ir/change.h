/* The rewriter's log: primitive changes and how to take them back. Private to ir/. */
#ifndef IR_CHANGE_H
#define IR_CHANGE_H
#include "ir/rewriter.h"

typedef enum oo__change_kind {
    OO__NODE_IN,      /* node was linked */
    OO__NODE_OUT,     /* node was unlinked */
    OO__INPUT,        /* node's input index was old */
    OO__INPUTS,       /* node had index inputs, their values in old */
    OO__OUTPUT,       /* node's output index was old, it had count outputs */
    OO__ATTRS,        /* node had index attributes in old */
    OO__GRAPH_OUTPUT, /* graph's output index was old */
    OO__NAME,         /* value was named old, with flags index */
    OO__TYPE,         /* value had type old */
    OO__KNOWN,        /* value's contents were known as old */
    OO__DECLARED,     /* declaration index of a list (count) of graph had type old */
    OO__INFO_IN,      /* graph got a value_info (at the end) */
    OO__INIT_IN,      /* graph got the initializer value (at the end) */
    OO__INIT_OUT,     /* the initializer value was dropped, it had tensor old */
    OO__GRAPH_DEAD,   /* graph died */
    OO__GRAPH_IN,     /* graph came to be, in an attribute of a new node */
    OO__FUNCTION_OUT, /* graph's function was dropped */
    OO__FUNCTION_IN,  /* graph's function came to be */
    OO__IMPORT,       /* graph's function, or the model when graph is NULL, imports one more operator set */
    OO__VERSION,      /* the operator set index of graph's function, or of the model when graph is NULL, had version *old */
    OO__MOVED,        /* node stood in graph, before the node old (NULL: at the end) */
    OO__OUTPUTS,      /* node had index outputs, in old */
    OO__ENDS,         /* the list of declarations (count) of graph had another item at index, in old */
    OO__END_IN,       /* graph got an output (at the end) */
    OO__FLAGS,        /* value had flags index */
    OO__NODE_NAME,    /* node was named old */
    OO__NODE_EXTRA,   /* node had extra old */
    OO__IR_VERSION,   /* the model had IR version *old */
    OO__INFOS         /* graph had the list of value_info old */
} oo__change_kind;

typedef struct oo__change {
    oo__change_kind kind;
    uint32_t index, count;
    oo_node *node;
    oo_value *value;
    oo_graph *graph;
    void *old;
} oo__change;

typedef oo_vec(uint32_t) oo__ids;

/* A value that took the place of another one, which had this type. */
typedef struct oo__swap {
    oo_value *by;
    const oo_type *type;
} oo__swap;

struct oo_rewriter {
    oo_model *model;
    oo_arena *scratch;
    oo_rewriter_settings settings;
    oo_vec(oo__change) log;
    oo_vec(oo_counter) counters;
    oo_value **twins; /* [ntwins] by value id, all NULL between splices (ir/splice.c) */
    uint32_t ntwins;
    oo__ids touched;  /* ids whose twins are set */
    /* the open rewrite */
    bool open;
    const char *rule;
    const oo_node *root;
    const oo_node *source; /* what new nodes inherit from: the root, or another node that was named */
    uint32_t named;        /* the next number behind its name */
    bool whole;            /* the next new node has its very name */
    uint32_t start;
    oo__ids removed, added, changed;
    oo_vec(oo_node *) fresh, stale; /* nodes of added and changed, while OO_TYPES holds */
    oo_vec(oo__swap) swaps;
    uint32_t values;
    uint32_t rewrites;
    bool broken;           /* a rewrite gave a value another type */
};

/* Infers what the open rewrite made and changed, so that OO_TYPES holds on, and checks that no value got another type (ir/retype.c). */
void oo__retype(oo_rewriter *rw);
void oo__log(oo_rewriter *rw, oo__change change);
/* Takes back everything after the first `length` changes. */
void oo__undo(oo_rewriter *rw, uint32_t length);
/* ---- declarations: what ValueInfoProtos say (ir/declare.c) ---- */
typedef enum oo__declared { OO__DECLARED_INPUTS, OO__DECLARED_OUTPUTS, OO__DECLARED_INFOS } oo__declared;
oo_value_infos *oo__declarations(oo_graph *graph, oo__declared list);
/* Whether two types say the same, dimensions by their text. */
bool oo__type_says_same(const oo_type *a, const oo_type *b);
/* Changes one declaration; true when it said something else. Without a rewriter (for tools that only write) nothing is logged. */
bool oo__declare(oo_rewriter *rw, oo_graph *graph, oo__declared list, uint32_t index, const oo_type *type);
/* A value_info for a value that has none. */
void oo__declare_value(oo_rewriter *rw, oo_graph *graph, oo_value *value, const oo_type *type);
/* What the node makes and the graphs that it holds belong to the graph that it is in. */
void oo__node_adopt(oo_node *node);
/* A value without a producer yet; `stem` (NULL: none) is what its name is made of. */
oo_value *oo__fresh_value(oo_graph *graph, const char *stem);
/* A new node with one input and one output at the end of a graph, whose output has no type. */
oo_node *oo__build_last(oo_rewriter *rw, oo_graph *graph, const char *op, oo_value *input);
/* The name moves to another value; the value that had it becomes nameless and gets another when written. */
void oo__hand_name_on(oo_rewriter *rw, oo_value *to, oo_value *from);
/* The graph's output `index` is another value of the graph. */
void oo__set_graph_output(oo_rewriter *rw, oo_graph *graph, uint32_t index, oo_value *value);
/* Within an open rewrite: the node is one that the rewrite changed. */
void oo__note_changed(oo_rewriter *rw, oo_node *node);
/* A copy of the node's attribute list with room for one more; the old list stays for undo. */
void oo__own_attrs(oo_rewriter *rw, oo_node *node);
/* Stops the program unless a rewrite is open and the node lives. */
void oo__require_node(const oo_rewriter *rw, const oo_node *node, const char *function);
/* Whether a value of graph `of` may be used in graph `at`. */
bool oo__is_visible(const oo_graph *of, const oo_graph *at);
/* Gives the node `count` inputs with these values; no log. */
void oo__node_resize_inputs(oo_node *node, uint32_t count, oo_value *const *values);
#endif
