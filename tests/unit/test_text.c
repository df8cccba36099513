/* ONNX's textual syntax: what is printed reads back, errors point at their place, no text brings the parser down. */
#include "base/diag.h"
#include "io/io.h"
#include "io/text_lex.h"
#include "io/text_number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct heard {
    uint32_t count, line, column;
    char code[40], text[400], source[OO__LINE_ROOM];
} heard;

static void hear(void *user, const oo_diag *d) {
    heard *const h = user;
    h->count++;
    h->line = d->line;
    h->column = d->column;
    snprintf(h->code, sizeof h->code, "%s", d->code);
    snprintf(h->text, sizeof h->text, "%s", d->text);
    snprintf(h->source, sizeof h->source, "%s", d->source_line ? d->source_line : "");
}

static oo_model *parse_n(const char *text, size_t size, heard *h, oo_context *context) {
    *h = (heard){0};
    oo_set_sink(context, hear, h);
    oo_model *model = NULL;
    const oo_status status = oo_model_parse(&model, context, text, size, "t.onnxtxt");
    assert_int_equal(status == OO_OK, model != NULL);
    return model;
}

/* The text of a model that must be one. */
static char *printed(const char *text, const oo_print_options *options) {
    heard h;
    oo_context *const context = oo_context_new();
    oo_model *const model = parse_n(text, strlen(text), &h, context);
    if (!model)
        fail_msg("%u:%u: %s\n%s", h.line, h.column, h.text, h.source);
    assert_int_equal(h.count, 0);
    assert_int_equal(oo_model_verify(model), OO_OK);
    char *const out = oo_model_print(model, options);
    oo_model_free(model);
    oo_context_free(context);
    return out;
}

static void becomes(const char *text, const char *want) {
    char *const once = printed(text, NULL);
    assert_string_equal(once, want);
    char *const twice = printed(once, NULL);
    assert_string_equal(twice, once);
    free(once);
    free(twice);
}

/* ---- what is printed ---- */
#define HEAD "<\n  ir_version: 8,\n  opset_import: [\"\" : 18]\n>\n"
#define LOOSE_HEAD "<ir_version: 8, opset_import: [\"\" : 18]>\n"

static void test_model_fields(void **state) {
    (void)state;
    static const char text[] = "<\n"
                               "  ir_version: 8,\n"
                               "  opset_import: [\"\" : 18, \"my.d\" : 1],\n"
                               "  producer_name: \"p\\\"q\\\\\",\n"
                               "  producer_version: \"\",\n"
                               "  domain: \"d\",\n"
                               "  model_version: -3,\n"
                               "  doc_string: \"two\nlines\",\n"
                               "  metadata_props: [\"k\": \"v\", \"\": \"\"]\n"
                               ">\n"
                               "g () => () {\n"
                               "}\n";
    becomes(text, text);
    becomes("g () => () {}", "g () => () {\n}\n");
    becomes("\"\" => () { }", "\"\" () => () {\n}\n");
    becomes("\xef\xbb\xbf<metadata_props: [], opset_import: []># nothing\n\"a b\"()=>()<>{}#end",
            "\"a b\" () => () {\n}\n");
}

static void test_types(void **state) {
    (void)state;
    becomes(LOOSE_HEAD "g (float a, float[] b, float[N, 2, ?, \"a b\", -1, \"\", \"float\"] c, \"int64\", "
                       "seq(map(string, optional(sparse_tensor(float[2])))) d,\n"
                       "  sparse_tensor(float[]) e, sparse_tensor(double) f, opaque() h, opaque(n) i, opaque(a.b, c) "
                       "j, opaque(a.b) \"float\") => () {}",
            HEAD "g (float a, float[] b, float[N,2,?,\"a b\",-1,\"\",\"float\"] c, \"int64\", seq(map(string, "
                 "optional(sparse_tensor(float[2])))) d, "
                 "sparse_tensor(float[]) e, sparse_tensor(double) f, opaque() h, opaque(n) i, opaque(a.b,c) j, "
                 "opaque(a.b) \"float\") => () {\n}\n");
}

static void test_tensors(void **state) {
    (void)state;
    becomes(LOOSE_HEAD "g (float[2] x = {1, 2}) => () <float s = {-0}, float[6] f = {0.1, 1e-45, 3.4028235e38, -inf, "
                       "NaN, -nan}, double[3] d = {1e-310, 1E0, -0.0},\n"
                       "complex64[1] c = {1, -2}, complex128 cc = {0.1, 3}, string[2] st = {\"a\\\\\\\"\", \"\"}, "
                       "bool[2] b = {0, 1}, int8[2] i8 = {-128, 127},\n"
                       "uint8[2] u8 = {0, 255}, int16 i16 = {-32768}, uint16 u16 = {65535}, int32 i32 = {-2147483648}, "
                       "uint32 u32 = {4294967295},\n"
                       "int64[2] i64 = {-9223372036854775808, 9223372036854775807}, uint64 u64 = "
                       "{18446744073709551615}, float16[2] h = {15360, -1}, bfloat16 bf = {16256},\n"
                       "float8e4m3fn f1 = {255}, float8e4m3fnuz f2 = {1}, float8e5m2 f3 = {2}, float8e5m2fnuz f4 = "
                       "{3}, float8e8m0 f5 = {127}, float6e2m3 f6 = {63}, float6e3m2[5] f7 = {1, 63, 0, 32, 7},\n"
                       "float4e2m1[3] f8 = {33, 1}, uint4[2] u4 = {255}, int4[3] i4 = {18, -3}, uint2[5] u2 = {228, "
                       "1}, int2[4] i2 = {228},\n"
                       "float[0] e = {}, float[2, 0] e2 = , int64[3] ext = [\"location\": \"w.bin\", \"offset\": "
                       "\"8\", \"length\": \"24\"], float[2] x2, \"odd name\" > {}",
            HEAD "g (float[2] x) => () <\n"
                 "  float[2] x = {1, 2},\n"
                 "  float s = {-0},\n"
                 "  float[6] f = {0.1, 1e-45, 3.4028235e+38, -inf, nan, -nan},\n"
                 "  double[3] d = {1e-310, 1, -0},\n"
                 "  complex64[1] c = {1, -2},\n"
                 "  complex128 cc = {0.1, 3},\n"
                 "  string[2] st = {\"a\\\\\\\"\", \"\"},\n"
                 "  bool[2] b = {0, 1},\n"
                 "  int8[2] i8 = {-128, 127},\n"
                 "  uint8[2] u8 = {0, 255},\n"
                 "  int16 i16 = {-32768},\n"
                 "  uint16 u16 = {65535},\n"
                 "  int32 i32 = {-2147483648},\n"
                 "  uint32 u32 = {4294967295},\n"
                 "  int64[2] i64 = {-9223372036854775808, 9223372036854775807},\n"
                 "  uint64 u64 = {18446744073709551615},\n"
                 "  float16[2] h = {15360, 65535},\n"
                 "  bfloat16 bf = {16256},\n"
                 "  float8e4m3fn f1 = {255},\n"
                 "  float8e4m3fnuz f2 = {1},\n"
                 "  float8e5m2 f3 = {2},\n"
                 "  float8e5m2fnuz f4 = {3},\n"
                 "  float8e8m0 f5 = {127},\n"
                 "  float6e2m3 f6 = {63},\n"
                 "  float6e3m2[5] f7 = {1, 63, 0, 32, 7},\n"
                 "  float4e2m1[3] f8 = {33, 1},\n"
                 "  uint4[2] u4 = {255},\n"
                 "  int4[3] i4 = {18, 253},\n"
                 "  uint2[5] u2 = {228, 1},\n"
                 "  int2[4] i2 = {228},\n"
                 "  float[0] e = {},\n"
                 "  float[2,0] e2 = {},\n"
                 "  int64[3] ext = [\"location\": \"w.bin\", \"offset\": \"8\", \"length\": \"24\"],\n"
                 "  float[2] x2,\n"
                 "  \"odd name\"\n"
                 "> {\n}\n");
}

static void test_attributes(void **state) {
    (void)state;
    becomes(LOOSE_HEAD "g (float x) => (y) {\n"
                       "y = Op <a = 1, b: int = -1, c: float = 1, d = 1.5, e = -inf, f = nan, g = \"s\\\"\\\\\n\", h = "
                       "[1, 2], i = [1.5, 2], j: floats = [1, -0],\n"
                       "k = [\"a\", \"\"], l: ints = [], m: strings = [], n = float[2] {1, 2}, o = float[2] t = {1, "
                       "2}, p: tensor = int64 t2 {3},\n"
                       "q = float[2] = [\"location\": \"f\"], r = seq(float[N]), s: type_proto = float[], t = [float "
                       "{1}, float {2}], u = [float, int8],\n"
                       "v: graphs = [g1 () => () {}, g2 () => () {}], w: sparse_tensors = [], z = float[0] => (x)\n}",
            HEAD "g (float x) => (y) {\n"
                 "  y = Op (x) <a: int = 1, b: int = -1, c: float = 1, d: float = 1.5, e: float = -inf, f: float = "
                 "nan, g: string = \"s\\\"\\\\\n\", h: ints = [1, 2], "
                 "i: floats = [1.5, 2], j: floats = [1, -0], k: strings = [\"a\", \"\"], l: ints = [], m: strings = "
                 "[], n: tensor = float[2] {1, 2}, o: tensor = float[2] t {1, 2}, "
                 "p: tensor = int64 t2 {3}, q: tensor = float[2] = [\"location\": \"f\"], r: type_proto = "
                 "seq(float[N]), s: type_proto = float[], "
                 "t: tensors = [float {1}, float {2}], u: type_protos = [float, int8], v: graphs = [g1 () => () {\n  "
                 "}, g2 () => () {\n  }], w: sparse_tensors = [], z: tensor = float[0] {}>\n}\n");
}

static void test_nodes(void **state) {
    (void)state;
    becomes(LOOSE_HEAD "g (bool c, float x) => (r, y) <float w = {2}, float t> {\n"
                       "[n1] t = Add(x, w) [\"a b\"] a, , \"q.r\" = my.d.Op:ov<k=1>(t, , late,) late = Neg(t)\n"
                       "[] y = \"odd.op\"() = Nothing(\"\")\n"
                       "r = If (c) <then_branch = one () => (o1) <float[1] ii = {2}> { o1 = Add(x, ii) [inner] o2 = If "
                       "(c) <then_branch = deep () => (w) {}> },\n"
                       "else_branch: graph = two () => (x) {}>\n}",
            HEAD "g (bool c, float x) => (r, y) <\n  float w = {2},\n  float t\n> {\n"
                 "  [n1] t = Add (x, w)\n"
                 "  [\"a b\"] a, \"\", \"q.r\" = my.d.Op:ov <k: int = 1> (t, \"\", late)\n"
                 "  late = Neg (t)\n"
                 "  [\"\"] y = \"odd.op\" ()\n"
                 "  = Nothing (\"\")\n"
                 "  r = If (c) <then_branch: graph = one () => (o1) <\n"
                 "    float[1] ii = {2}\n"
                 "  > {\n"
                 "    o1 = Add (x, ii)\n"
                 "    [inner] o2 = If (c) <then_branch: graph = deep () => (w) {\n"
                 "    }>\n"
                 "  }, else_branch: graph = two () => (x) {\n"
                 "  }>\n}\n");
}

static void test_functions(void **state) {
    (void)state;
    becomes(LOOSE_HEAD "g () => () {}\n"
                       "<domain: \"my.d\", overload: \"ov\", opset_import: [\"\": 18], doc_string: \"doc\"> Op <alpha, "
                       "beta: float = 1, \"g h\", gamma = 2> (float[2] x, y) => (float a, b) <float[2] t> {\n"
                       "t = Foo <al: float = @alpha, li: ints = @\"g h\"> (x, y) a, b = Split (t) }\n"
                       "f () => () {}",
            HEAD "g () => () {\n}\n\n"
                 "<\n  domain: \"my.d\",\n  overload: \"ov\",\n  opset_import: [\"\" : 18],\n  doc_string: \"doc\"\n>\n"
                 "Op <alpha, \"g h\", beta: float = 1, gamma: int = 2> (x, y) => (a, b) <\n  float[2] x,\n  float a,\n "
                 " float[2] t\n> {\n"
                 "  t = Foo <al: float = @alpha, li: ints = @\"g h\"> (x, y)\n"
                 "  a, b = Split (t)\n}\n\n"
                 "f () => () {\n}\n");
}

/* Names in attributes cannot be quoted there. */
static void test_names_in_attributes(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    heard h;
    static const char text[] = "g () => () { = Op <a: graph = x () => () {}, b: tensor = float n {1}> () }";
    oo_model *const model = parse_n(text, sizeof text - 1, &h, context);
    assert_non_null(model);
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    static const char *const names[][2] = {{"a/b:0", "a_b_0"},  {"", "_"},       {"0", "_0"},
                                           {"float", "_float"}, {"Inf", "_Inf"}, {"seq", "_seq"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        node->attrs[0]->g->name = oo__str(model, names[i][0]);
        node->attrs[1]->t->name = node->attrs[0]->g->name;
        char *const out = oo_model_print(model, NULL);
        char want[100];
        snprintf(want, sizeof want, "a: graph = %s () => () {\n  }, b: tensor = float %s{1}>", names[i][1],
                 strcmp(names[i][0], "Inf") == 0 ? "Inf " : "");
        if (!strstr(out, want))
            fail_msg("no %s in %s", want, out);
        char *const again = printed(out, NULL);
        assert_string_equal(again, out);
        free(again);
        free(out);
    }
    oo_model_free(model);
    oo_context_free(context);
}

static void test_elision(void **state) {
    (void)state;
    static const char text[] =
        "g () => (y) <float[3] w = {1, 2, 3}, float[2] v = {1, 2}, string[3] s = {\"a\", \"b\", \"c\"}> { y = Op "
        "<value: tensor = float[3] {1, 2, 3}, o: tensor = float[3] {1, 2, 4}> (w) }";
    char *const out = printed(text, &(oo_print_options){.elide = 2});
    assert_non_null(strstr(out, "  float[3] w = {...},  # "));
    assert_non_null(strstr(out, "  float[2] v = {1, 2},\n"));
    assert_non_null(strstr(out, "  string[3] s = {...}  # "));
    assert_non_null(strstr(out, "y = Op <value: tensor = float[3] {...}, o: tensor = float[3] {...}> (w)  # value "));
    const char *const first = strstr(out, "w = {...},  # ") + strlen("w = {...},  # ");
    const char *const second = strstr(out, "# value ") + strlen("# value ");
    const char *const third = strstr(second, ", o ") + strlen(", o ");
    assert_memory_equal(first, second, 16);
    assert_memory_not_equal(first, third, 16);
    heard h;
    oo_context *const context = oo_context_new();
    assert_null(parse_n(out, strlen(out), &h, context));
    assert_string_equal(h.code, "text-elided");
    free(out);
    oo_context_free(context);
}

static void test_one_node(void **state) {
    (void)state;
    oo_context *const context = oo_context_new();
    heard h;
    static const char text[] = "g (bool c, x) => () { [n] y = If (c) <then_branch: graph = a () => (x) {}, "
                               "else_branch: graph = b () => (x) {}> }";
    oo_model *const model = parse_n(text, sizeof text - 1, &h, context);
    oo_node *const node = oo_graph_first(oo_model_graph(model));
    oo_arena *const arena = oo__arena_new();
    assert_string_equal(oo__node_print(node, arena),
                        "[n] y = If (c) <then_branch: graph = a {...}, else_branch: graph = b {...}>");
    node->outputs[0]->name = NULL;
    assert_string_equal(oo__node_print(node, arena),
                        "[n] %2 = If (c) <then_branch: graph = a {...}, else_branch: graph = b {...}>");
    oo__arena_free(arena);
    oo_model_free(model);
    oo_context_free(context);
}

/* ---- errors ---- */
static const struct bad {
    const char *text;
    uint32_t line, column;
    const char *code, *message, *source;
} BAD[] = {
    {"", 1, 1, "text-syntax", "expected the name of a graph, but the text ends here", ""},
    {"g", 1, 2, "text-syntax", "expected '=>', but the text ends here", "g"},
    {"# c\n  5", 2, 3, "text-syntax", "expected the name of a graph, found the number 5", "  5"},
    {"g () =\n> () {}", 1, 6, "text-syntax", "expected '=>', found '='", "g () ="},
    {"<ir_version: \"7\">", 1, 14, "text-syntax", "expected an integer, found the string \"7\"", "<ir_version: \"7\">"},
    {"<ir_versio: 7>", 1, 2, "text-syntax",
     "expected a field of the model such as ir_version or opset_import, found the name ir_versio", "<ir_versio: 7>"},
    {"<ir_version: 99999999999999999999>", 1, 14, "text-number", "the number 99999999999999999999 does not fit 64 bits",
     "<ir_version: 99999999999999999999>"},
    {"g (floot[2] x) => () {}", 1, 4, "text-syntax", "there is no type \"floot\"", "g (floot[2] x) => () {}"},
    {"g (float[1.5] x) => () {}", 1, 10, "text-syntax",
     "expected a dimension: a number, a symbol or ?, found the number 1.5", NULL},
    {"g (\"\") => () {}", 1, 4, "text-no-name", "a graph input needs a name", NULL},
    {"g (x, x) => () {}", 1, 7, "load-duplicate-name", "the name \"x\" is defined twice", NULL},
    {"g (x) => () {\n  y = A(x)\n\tz, y = B(x)\n}", 3, 5, "load-duplicate-name",
     "the name \"y\" is defined twice, first by node A", "\tz, y = B(x)"},
    {"g (x) => (y) {\n}", 1, 11, "load-unknown-value",
     "output \"y\" is defined nowhere: no node, graph input or initializer has this name", NULL},
    {"g () => () {\n  a = F()\n  b = G(a,\n        c)\n  d = H(e)\n}", 4, 9, "load-unknown-value",
     "input 1 \"c\" is defined nowhere: no node, graph input or initializer has this name", "        c)"},
    {"g (c) => () {\n r = If (c) <b: graph = h () => () {\n  s = A(t)\n }>\n}", 3, 9, "load-unknown-value",
     "input 0 \"t\" is defined nowhere: no node, graph input or initializer has this name", "  s = A(t)"},
    {"g () => () { a = F(b) b = F(a) }", 0, 0, "load-cycle",
     "the node depends on its own output: the graph has a cycle", NULL},
    {"g () => () { a = F(a) }", 0, 0, "load-cycle", "the node depends on its own output: the graph has a cycle", NULL},
    {"g () => () <float[2] w = {1}> {}", 1, 28, "text-tensor-size",
     "the tensor of type float takes 2 values, but has 1", NULL},
    {"g () => () <float[2] w = {1, 2,}> {}", 1, 32, "text-tensor-size",
     "the tensor of type float takes 2 values, but has more", NULL},
    {"g () => () <float[2] w = {1,}> {}", 1, 29, "text-syntax", "expected a number, found '}'", NULL},
    {"g () => () <float[2] w = {1, 2, 3}> {}", 1, 33, "text-tensor-size",
     "the tensor of type float takes 2 values, but has more", NULL},
    {"g () => () <string w = {}> {}", 1, 25, "text-tensor-size", "the tensor of type string takes 1 values, but has 0",
     NULL},
    {"g () => () <float[1000000000000] w = {1}> {}", 1, 40, "text-tensor-size",
     "the tensor of type float takes 1000000000000 values, but has 1", NULL},
    {"g () => () <float[N] w = {1}> {}", 1, 22, "text-tensor-type", "data need a shape of numbers: dimension 0 is none",
     NULL},
    {"g () => () <float[] w = {1}> {}", 1, 21, "text-tensor-type", "data need a shape: [] is an unknown rank", NULL},
    {"g () => () <w = {1}> {}", 1, 13, "text-tensor-type", "data need a tensor type before the name", NULL},
    {"g () => () <float[-1] w = {1}> {}", 1, 23, "text-tensor-type",
     "negative dimensions, or more elements than can be counted", NULL},
    {"g () => () <int8 w = {128}> {}", 1, 23, "text-number", "the number 128 does not fit the element type int8", NULL},
    {"g () => () <uint8 w = {-1}> {}", 1, 24, "text-number", "the number -1 does not fit the element type uint8", NULL},
    {"g () => () <float6e2m3 w = {64}> {}", 1, 29, "text-number", "the number 64 does not fit the element type float6e2m3", NULL},
    {"g () => () <float6e2m3 w = {-1}> {}", 1, 29, "text-number", "the number -1 does not fit the element type float6e2m3", NULL},
    {"g () => () <float6e2m3[4] w = {1, 2, 3}> {}", 1, 39, "text-tensor-size", "the tensor of type float6e2m3 takes 4 values, but has 3",
     NULL},
    {"g () => () <float6e2m3[4] w = {1, 2 3}> {}", 1, 37, "text-syntax", "expected '}', found the number 3", NULL},
    {"g () => () <float16 w = {1.5}> {}", 1, 26, "text-syntax",
     "expected an integer: the bits of the element, found the number 1.5", NULL},
    {"g () => () <float w = {1e39}> {}", 1, 24, "text-number", "the number 1e39 does not fit the element type float",
     NULL},
    {"g () => () <float w = {1e}> {}", 1, 24, "text-number", "the exponent of this number has no digits", NULL},
    {"g () => () <float w = {.5}> {}", 1, 24, "text-syntax", "expected a number, found '.'", NULL},
    {"g () => () <float w = {...}> {}", 1, 24, "text-elided",
     "the data of this tensor were left out when the text was printed: it cannot be read back", NULL},
    {"g () => () <float w = [\"location\": \"../w\"]> {}", 1, 19, "load-external-path",
     "external data \"../w\" of tensor \"w\" would lie outside of the model's folder", NULL},
    {"g () => () { = F <a = []> () }", 1, 24, "text-attribute",
     "an empty list must say its kind, for example axes: ints = []", NULL},
    {"g () => () { = F <a: int = []> () }", 1, 29, "text-attribute",
     "an attribute of kind int takes one value, not a list", NULL},
    {"g () => () { = F <a: int = \"s\"> () }", 1, 28, "text-attribute",
     "the attribute takes a value of kind int, but this one is of kind string", NULL},
    {"g () => () { = F <a = [1, \"s\"]> () }", 1, 27, "text-attribute",
     "the attribute takes a value of kind int, but this one is of kind string", NULL},
    {"g () => () { = F <a: integer = 1> () }", 1, 22, "text-syntax",
     "expected a kind of attribute such as int, floats or graph, found the name integer", NULL},
    {"g () => () { = F <a = @b> () } ", 0, 0, NULL, NULL, NULL},
    {"g () => () { = F <a = [@b]> () } ", 1, 24, "text-syntax", "expected the value of the attribute, found '@'", NULL},
    {"g () => () { = F <> () }", 1, 19, "text-syntax", "expected the name of an attribute, found '>'", NULL},
    {"g () => () { a b = F() }", 1, 16, "text-syntax", "expected '=', found the name b", NULL},
    {"g () => () { a = \"\"() }", 1, 18, "text-no-name", "an operator needs a name", NULL},
    {"g () => () {} f", 1, 16, "text-syntax", "expected '(', but the text ends here", NULL},
    {"g () => () {} <ir_version: 7> f () => () {}", 1, 16, "text-syntax",
     "expected domain, overload, opset_import or doc_string, found the name ir_version", NULL},
    {"g () => () {\n  a = F(\"x\n\n", 2, 9, "text-syntax", "this string has no closing quote", "  a = F(\"x"},
    {"g () => () {\n  \x01 }", 2, 3, "text-syntax", "the character \"\\x01\" has no meaning here", "  ? }"},
};

static void test_errors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        const struct bad *const b = &BAD[i];
        oo_context *const context = oo_context_new();
        heard h;
        oo_model *const model = parse_n(b->text, strlen(b->text), &h, context);
        if ((model == NULL) != (b->code != NULL) || h.count != (b->code ? 1u : 0u))
            fail_msg("%s: %u messages: %s", b->text, h.count, h.text);
        if (b->code && (h.line != b->line || h.column != b->column || strcmp(h.code, b->code) != 0 ||
                        strcmp(h.text, b->message) != 0))
            fail_msg("%s\n%u:%u: %s [%s]", b->text, h.line, h.column, h.text, h.code);
        if (b->source)
            assert_string_equal(h.source, b->source);
        assert_ptr_equal(context->sink, hear);
        oo_model_free(model);
        oo_context_free(context);
    }
}

/* The caret's line is left out where the column is far out. */
static void test_long_line(void **state) {
    (void)state;
    char text[2000] = "g () => () <float[1000] w = {";
    size_t n = strlen(text);
    for (int i = 0; i < 500; i++)
        n += (size_t)sprintf(text + n, "1, ");
    strcpy(text + n, "x}> {}");
    heard h;
    oo_context *const context = oo_context_new();
    assert_null(parse_n(text, strlen(text), &h, context));
    assert_int_equal(h.column, n + 1);
    assert_string_equal(h.source, "");
    oo_context_free(context);
}

/* ---- depth ---- */
static char *repeat(const char *before, const char *unit, int times, const char *middle, const char *close,
                    const char *after) {
    char *const text =
        calloc(1, strlen(before) + strlen(middle) + strlen(after) + (size_t)times * (strlen(unit) + strlen(close)) + 1);
    strcpy(text, before);
    char *at = text + strlen(before);
    for (int i = 0; i < times; i++, at += strlen(unit))
        strcpy(at, unit);
    strcpy(at, middle);
    at += strlen(middle);
    for (int i = 0; i < times; i++, at += strlen(close))
        strcpy(at, close);
    strcpy(at, after);
    return text;
}

static void nests(int times, bool ok) {
    char *const texts[] = {repeat("g () => () {", "= F () <b: graph = h () => () {", times - 1, "", "}>", "}"),
                           repeat("g (", "seq(", times - 1, "float", ")", " x) => () {}")};
    for (size_t i = 0; i < 2; i++) {
        heard h;
        oo_context *const context = oo_context_new();
        oo_model *const model = parse_n(texts[i], strlen(texts[i]), &h, context);
        assert_int_equal(model != NULL, ok);
        if (!ok)
            assert_string_equal(h.code, "text-depth");
        if (model)
            free(oo_model_print(model, NULL));
        oo_model_free(model);
        oo_context_free(context);
        free(texts[i]);
    }
}

static void test_depth(void **state) {
    (void)state;
    nests(64, true);
    nests(65, false);
    nests(100000, false);
}

/* ---- hostile text ---- */
static const char RICH[] =
    "<ir_version: 8, opset_import: [\"\" : 18, \"d\" : 1], metadata_props: [\"k\": \"v\"]> g (float[N, 2, ?] x, "
    "seq(float) s, bool c = {1}) => (float y, r)\n"
    "<float[2] w = {1, -0.5e3}, string[1] st = {\"a\\\"\"}, int4[3] q = {18, 3}, float[2] e = [\"location\": \"f\"], "
    "float z> {\n"
    "[n] y = Add <a = 1, b: floats = [1, nan, -inf], t: tensor = int8[2] {1, 2}, p = map(int64, float), s = \"x\"> (x, "
    "w)\n"
    "r = d.F:o (c, , late) <b: graph = h (i) => (j) <float k = {1}> { j = Neg (y) }, g = [m () => () {}]> late = Neg "
    "(w) }\n"
    "<domain: \"d\", overload: \"o\"> F <u, v: int = 1> (a, float b) => (l) <float a> { l = G <u = @u> (a) } # end\n";

static void survives(const char *text, size_t size) {
    heard h;
    oo_context *const context = oo_context_new();
    oo_model *const model = parse_n(text, size, &h, context);
    if (model) {
        assert_int_equal(h.count, 0);
        size_t n;
        char *const out = oo__model_print_n(model, NULL, &n);
        oo_model *const again = parse_n(out, n, &h, context);
        if (!again)
            fail_msg("%.*s\nis printed as\n%s\n%u:%u %s", (int)size, text, out, h.line, h.column, h.text);
        oo_model_free(again);
        free(out);
    } else {
        assert_int_equal(h.count, 1);
    }
    oo_model_free(model);
    oo_context_free(context);
}

static void test_prefixes(void **state) {
    (void)state;
    char *const whole = printed(RICH, NULL);
    free(whole);
    for (size_t n = 0; n < sizeof RICH; n++) {
        char *const exact = malloc(n + 1); /* so that a sanitizer sees a step too far */
        memcpy(exact, RICH, n);
        char *const text = realloc(exact, n ? n : 1);
        survives(text, n);
        free(text);
    }
}

static void test_mutations(void **state) {
    (void)state;
    static const char spice[] = "\0\"\\#<>(){}[],:=.@?-=>..0123456789xyzfg \n\xff";
    uint32_t seed = 1;
    char text[sizeof RICH];
    for (int round = 0; round < 20000; round++) {
        memcpy(text, RICH, sizeof RICH);
        const int edits = 1 + round % 4;
        for (int i = 0; i < edits; i++) {
            seed = seed * 1664525u + 1013904223u;
            const size_t at = (seed >> 8) % (sizeof RICH - 1);
            seed = seed * 1664525u + 1013904223u;
            if (seed & 0x80000000u)
                text[at] = spice[(seed >> 8) % (sizeof spice - 1)];
            else
                text[at] = text[(seed >> 8) % (sizeof RICH - 1)];
        }
        survives(text, sizeof RICH - 1);
    }
}

/* ---- numbers and tokens ---- */
static void test_number_bits(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252u;
    char text[OO__NUMBER_ROOM];
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        const uint32_t narrow = i < 4096 ? (uint32_t)i << 20 : (uint32_t)(seed >> 32);
        const uint64_t wide = i < 4096 ? (uint64_t)i << 52 : seed;
        float f, f2;
        double d, d2;
        memcpy(&f, &narrow, sizeof f);
        memcpy(&d, &wide, sizeof d);
        if (!isnan(f)) {
            assert_true(oo__float_read(&f2, text, oo__float_text(text, f)));
            assert_memory_equal(&f, &f2, sizeof f);
        }
        if (!isnan(d)) {
            assert_true(oo__double_read(&d2, text, oo__double_text(text, d)));
            assert_memory_equal(&d, &d2, sizeof d);
        }
    }
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.1, "0.1"},
                 {-0.0, "-0"},
                 {5, "5"},
                 {1e22, "1e+22"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {123456.75, "123456.75"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        oo__double_text(text, known[i].value);
        assert_string_equal(text, known[i].text);
    }
    oo__float_text(text, 16777216.0f);
    assert_string_equal(text, "16777216");
    oo__float_text(text, 0.3f);
    assert_string_equal(text, "0.3");
}

static void test_tokens(void **state) {
    (void)state;
    static const char text[] = "a_1 => .. -12 1.5 -INF x..2 1..2 == != <= >= @ \"q\\\"\" # c\n- _";
    static const struct {
        oo__token_kind kind;
        int punct;
        const char *text;
    } want[] = {{OO__TOKEN_NAME, 0, "a_1"},
                {OO__TOKEN_PUNCT, OO__ARROW, "=>"},
                {OO__TOKEN_PUNCT, OO__DOTS, ".."},
                {OO__TOKEN_INT, 0, "-12"},
                {OO__TOKEN_FLOAT, 0, "1.5"},
                {OO__TOKEN_FLOAT, 0, "-INF"},
                {OO__TOKEN_NAME, 0, "x"},
                {OO__TOKEN_PUNCT, OO__DOTS, ".."},
                {OO__TOKEN_INT, 0, "2"},
                {OO__TOKEN_INT, 0, "1"},
                {OO__TOKEN_PUNCT, OO__DOTS, ".."},
                {OO__TOKEN_INT, 0, "2"},
                {OO__TOKEN_PUNCT, OO__EQUAL, "=="},
                {OO__TOKEN_PUNCT, OO__UNEQUAL, "!="},
                {OO__TOKEN_PUNCT, OO__LESS, "<="},
                {OO__TOKEN_PUNCT, OO__MORE, ">="},
                {OO__TOKEN_PUNCT, '@', "@"},
                {OO__TOKEN_STRING, 0, "q\\\""},
                {OO__TOKEN_PUNCT, '-', "-"},
                {OO__TOKEN_NAME, 0, "_"}};
    oo_context *const context = oo_context_new();
    oo__lexer lexer;
    oo__lex_start(&lexer, context, "t", text, sizeof text - 1);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++, oo__lex_next(&lexer)) {
        assert_int_equal(lexer.token.kind, want[i].kind);
        assert_int_equal(lexer.token.punct, want[i].punct);
        assert_int_equal(lexer.token.size, strlen(want[i].text));
        assert_memory_equal(lexer.token.text, want[i].text, lexer.token.size);
    }
    assert_int_equal(lexer.token.kind, OO__TOKEN_END);
    assert_int_equal(lexer.token.line, 2);
    assert_int_equal(lexer.token.column, 4);
    oo_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_fields),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_names_in_attributes),
        cmocka_unit_test(test_elision),
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_number_bits),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
