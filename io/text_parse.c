/* Models and functions, names and numbers; the parts are put together here. */
#include "io/text_parse.h"

#include "io/reader.h"
#include "io/text_number.h"

#include <stdlib.h>
#include <string.h>

oo_status oo__parse_enter(oo__parser *p) {
    if (p->depth++ < OO__TEXT_DEPTH)
        return OO_OK;
    oo__lex_fail(&p->lex, &p->lex.token, "text-depth", "graphs or types are nested more than %d deep here",
                 (int)OO__TEXT_DEPTH);
    return OO_LIMIT;
}

void oo__parse_leave(oo__parser *p) { p->depth--; }

/* ---- names, strings, integers ---- */
const char *oo__parse_text(oo__parser *p, const oo__token *t) {
    if (t->kind != OO__TOKEN_STRING || !memchr(t->text, '\\', t->size))
        return oo__str_n(p->model, t->text, t->size);
    char *const room = oo__malloc(t->size);
    const char *const text = oo__str_n(p->model, room, oo__lex_unescape(room, t));
    free(room);
    return text;
}

bool oo__parse_sees_name(const oo__parser *p) {
    return p->lex.token.kind == OO__TOKEN_NAME || p->lex.token.kind == OO__TOKEN_STRING;
}

oo_status oo__parse_name(const char **out, oo__parser *p, const char *what) {
    if (!oo__parse_sees_name(p))
        return oo__lex_expected(&p->lex, what);
    *out = oo__parse_text(p, &p->lex.token);
    oo__lex_next(&p->lex);
    return OO_OK;
}

oo_status oo__parse_string(const char **out, oo__parser *p, const char *what) {
    if (p->lex.token.kind != OO__TOKEN_STRING)
        return oo__lex_expected(&p->lex, what);
    return oo__parse_name(out, p, what);
}

oo_status oo__parse_bytes(oo_bytes *out, oo__parser *p, const char *what) {
    const oo__token *const t = &p->lex.token;
    if (t->kind != OO__TOKEN_STRING)
        return oo__lex_expected(&p->lex, what);
    char *const data = oo__arena_alloc(p->model->arena, t->size + 1);
    *out = (oo_bytes){(const uint8_t *)data, oo__lex_unescape(data, t)};
    oo__lex_next(&p->lex);
    return OO_OK;
}

oo_status oo__parse_int(int64_t *out, oo__parser *p, const char *what) {
    const oo__token *const t = &p->lex.token;
    if (t->kind != OO__TOKEN_INT)
        return oo__lex_expected(&p->lex, what);
    if (!oo__int64_read(out, t->text, t->size))
        return oo__lex_fail(&p->lex, t, "text-number", "the number %s does not fit 64 bits",
                            oo__printable(t->text, t->size));
    oo__lex_next(&p->lex);
    return OO_OK;
}

oo_status oo__parse_dotted(const char **domain, const char **name, oo__parser *p, const char *what) {
    *domain = NULL;
    OO_TRY(oo__parse_name(name, p, what));
    oo_vec(char) text = {0};
    oo_status status = OO_OK;
    while (status == OO_OK && oo__lex_take(&p->lex, '.')) {
        if (*domain)
            oo_vec_push(NULL, &text, '.');
        const size_t n = oo__str_len(*name);
        oo_vec_reserve(NULL, &text, (uint32_t)n + 1);
        memcpy(text.data + text.n, *name, n);
        text.n += (uint32_t)n;
        *domain = *name;
        status = oo__parse_name(name, p, what);
    }
    if (*domain)
        *domain = oo__str_n(p->model, text.data, text.n);
    oo_vec_free(&text);
    return status;
}

/* ---- heads ---- */
oo_status oo__parse_props(oo_props *out, oo__parser *p) {
    do {
        oo_prop prop = {0};
        OO_TRY(oo__parse_string(&prop.key, p, "a key in quotes"));
        OO_TRY(oo__lex_expect(&p->lex, ':'));
        OO_TRY(oo__parse_string(&prop.value, p, "a value in quotes"));
        oo_vec_push(p->model->arena, out, prop);
    } while (oo__lex_take(&p->lex, ','));
    return OO_OK;
}

static oo_status parse_opsets(oo_opsets *out, oo__parser *p) {
    do {
        oo_opset opset = {.has_version = true};
        OO_TRY(oo__parse_string(&opset.domain, p, "a domain in quotes"));
        OO_TRY(oo__lex_expect(&p->lex, ':'));
        OO_TRY(oo__parse_int(&opset.version, p, "a version"));
        oo_vec_push(p->model->arena, out, opset);
    } while (oo__lex_take(&p->lex, ','));
    return OO_OK;
}

static oo_status parse_key(void *object, oo__parser *p, const oo__key *key) {
    char *const field = (char *)object + key->offset;
    switch (key->kind) {
    case OO__KEY_INT:
        *((bool *)object + key->presence) = true;
        return oo__parse_int((int64_t *)(void *)field, p, "an integer");
    case OO__KEY_TEXT: return oo__parse_string((const char **)(void *)field, p, "a string");
    default: break;
    }
    OO_TRY(oo__lex_expect(&p->lex, '['));
    if (oo__lex_take(&p->lex, ']'))
        return OO_OK;
    OO_TRY(key->kind == OO__KEY_OPSETS ? parse_opsets((oo_opsets *)(void *)field, p)
                                       : oo__parse_props((oo_props *)(void *)field, p));
    return oo__lex_expect(&p->lex, ']');
}

static const oo__key *key_of(const oo__parser *p, const oo__keys *keys) {
    for (size_t i = 0; i < keys->count; i++)
        if (oo__lex_is_word(&p->lex, keys->rows[i].word))
            return &keys->rows[i];
    return NULL;
}

oo_status oo__parse_head(void *object, oo__parser *p, const oo__keys *keys) {
    if (!oo__lex_take(&p->lex, '<'))
        return OO_OK;
    do {
        const oo__key *const key = key_of(p, keys);
        if (!key)
            return oo__lex_expected(&p->lex, keys == &oo__model_keys
                                                 ? "a field of the model such as ir_version or opset_import"
                                                 : "domain, overload, opset_import or doc_string");
        oo__lex_next(&p->lex);
        OO_TRY(oo__lex_expect(&p->lex, ':'));
        OO_TRY(parse_key(object, p, key));
    } while (oo__lex_take(&p->lex, ','));
    return oo__lex_expect(&p->lex, '>');
}

/* ---- the whole ---- */
/* The first input that still waits for its value: what a message about an unknown name is about. */
static const oo__token *unresolved(const oo__parser *p) {
    for (uint32_t i = 0; i < p->late.n; i++)
        if (!p->late.data[i].node->inputs[p->late.data[i].index].value)
            return &p->late.data[i].where;
    return NULL;
}

static void located_sink(void *user, const oo_diag *diag) {
    const oo__parser *const p = user;
    if (!p->sink)
        return;
    oo_diag located = *diag;
    char line[OO__LINE_ROOM];
    const oo__token *const where = p->at ? p->at : unresolved(p);
    if (!located.line && where)
        oo__lex_locate(&p->lex, where, &located, line);
    p->sink(p->user, &located);
}

static oo_status parse_model(oo__parser *p) {
    OO_TRY(oo__parse_head(p->model, p, &oo__model_keys));
    OO_TRY(oo__parse_main_graph(p));
    while (p->lex.token.kind != OO__TOKEN_END)
        OO_TRY(oo__parse_function(p));
    OO_TRY(oo__model_check_acyclic(p->model));
    return oo__model_check_calls(p->model);
}

oo_status oo_model_parse(oo_model **out, oo_context *context, const char *text, size_t size, const char *path) {
    *out = NULL;
    const oo__plain_numbers numbers = oo__plain_numbers_begin();
    oo__parser p = {.model = oo__model_new(context, path), .sink = context->sink, .user = context->user};
    oo__reader external = {
        .context = context, .model = p.model, .source = oo__source_memory(text, size, p.model->path)};
    oo__read_folders(&external, path);
    p.external = &external;
    p.binder = oo__binder_new(p.model);
    oo_set_sink(context, located_sink, &p);
    oo__lex_start(&p.lex, context, p.model->path, text, size);
    const oo_status status = parse_model(&p);
    oo_set_sink(context, p.sink, p.user);
    oo__binder_free(p.binder);
    oo__source_close(external.source);
    oo_vec_free(&p.late);
    oo_vec_free(&p.places);
    oo__plain_numbers_end(numbers);
    if (status != OO_OK)
        oo_model_free(p.model);
    else
        *out = p.model;
    return status;
}
