#include "tests/unit/infer_world.h"

#include "io/io.h"

text_model text_model_new(int opset, const char *text) {
    char *const whole = oo__malloc(strlen(text) + 200);
    sprintf(whole, "<ir_version: 10, opset_import: [\"\" : %d, \"ai.onnx.ml\" : 3, \"my\" : 1]>\n%s", opset, text);
    text_model m = {.context = new_context()};
    forget_told();
    if (oo_model_parse(&m.model, m.context, whole, strlen(whole), "-") != OO_OK)
        fail_msg("the model does not parse: %s\n%s", told.text ? told.text : "", whole);
    free(whole);
    return m;
}

void text_model_free(text_model *m) {
    oo_model_free(m->model);
    oo_context_free(m->context);
}

oo_value *value_named(const text_model *m, const char *name) {
    oo_for_each_graph(graph, m->model) {
        for (uint32_t i = 0; i < graph->inputs.n; i++)
            if (strcmp(oo_value_name(graph->inputs.data[i].value), name) == 0)
                return graph->inputs.data[i].value;
        for (const oo_node *node = graph->first; node; node = node->next)
            for (uint32_t i = 0; i < node->noutputs; i++)
                if (node->outputs[i] && strcmp(oo_value_name(node->outputs[i]), name) == 0)
                    return node->outputs[i];
    }
    fail_msg("there is no value %s", name);
    return NULL;
}

static const char *text_of(const oo_type *type, oo_arena *arena) {
    static const char *const CONTAINERS[] = {[OO_TYPE_SEQUENCE] = "seq", [OO_TYPE_OPTIONAL] = "optional"};
    if (!type || type->kind == OO_TYPE_NONE)
        return "?";
    const char *const elem = type->has_elem && oo__elem_name(type->elem) ? oo__elem_name(type->elem) : "?";
    if (type->kind == OO_TYPE_MAP)
        return oo__arena_printf(arena, "map(%s, %s)", elem, text_of(type->inner, arena));
    if (type->kind != OO_TYPE_TENSOR)
        return oo__arena_printf(arena, "%s(%s)", CONTAINERS[type->kind], text_of(type->inner, arena));
    const char *text = oo__arena_printf(arena, "%s%s", elem, type->has_shape ? "[" : "");
    for (uint32_t i = 0; type->has_shape && i < type->rank; i++)
        text = oo__arena_printf(arena, "%s%s%s", text, i ? "," : "", oo__expr_print(type->dims[i].expr, arena));
    return type->has_shape ? oo__arena_printf(arena, "%s]", text) : text;
}

const char *type_named(const text_model *m, const char *name) { return text_of(value_named(m, name)->type, m->model->arena); }

oo_status infer_all(text_model *m) {
    forget_told();
    return oo__infer_model(m->model, NULL);
}

void assert_type(text_model *m, const char *name, const char *wanted) {
    assert_int_equal(infer_all(m), OO_OK);
    if (strcmp(type_named(m, name), wanted) != 0)
        fail_msg("%s is %s, not %s", name, type_named(m, name), wanted);
}

void check_shape_cases(const shape_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_model m = text_model_new(cases[i].opset, cases[i].text);
        assert_int_equal(infer_all(&m), OO_OK);
        if (strcmp(type_named(&m, cases[i].name), cases[i].type) != 0)
            fail_msg("case %zu: %s is %s, not %s in\n%s\n%s", i, cases[i].name, type_named(&m, cases[i].name), cases[i].type, cases[i].text,
                     told.text ? told.text : "");
        text_model_free(&m);
    }
}

void check_refusal_cases(const refusal_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_model m = text_model_new(cases[i].opset, cases[i].text);
        assert_int_equal(infer_all(&m), OO_OK); /* told, not fatal */
        if (!told.text || !strstr(told.text, cases[i].part))
            fail_msg("case %zu: not told \"%s\" but \"%s\" of\n%s", i, cases[i].part, told.text ? told.text : "", cases[i].text);
        text_model_free(&m);
    }
}
