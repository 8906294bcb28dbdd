/* The types of core 3.0: which are equal, which are below which, and what their instructions take. */
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/unit/validate/wat.h"

#define ALL (~UINT64_C(0))

static struct module *decode_wat(const char *wat, uint8_t **ret_bytes)
{
        struct module *m = NULL;
        struct error err = { 0 };
        size_t size;

        *ret_bytes = wat_bytes(wat, &size);
        ck_assert_msg(module_decode(*ret_bytes, size, &limits_default, ALL, 0, &m, &err) == 0,
                      "%s\n%s", err.text, wat);
        return m;
}

/* Two types of a module: 0 and the last. */
static const struct { const char *name, *types; bool equal, below; } pairs[] = {
        { "functions", "(type (func (param i32))) (type (func (param i32)))", true, true },
        { "other parameter", "(type (func (param i32))) (type (func (param i64)))", false, false },
        { "structures", "(type (struct (field i32))) (type (struct (field i32)))", true, true },
        { "mutability", "(type (struct (field i32))) (type (struct (field (mut i32))))", false, false },
        { "packed", "(type (array i8)) (type (array i16))", false, false },
        { "array and structure", "(type (array i32)) (type (struct (field i32)))", false, false },
        { "of itself", "(type $a (struct (field (ref $a)))) (type $b (struct (field (ref $b))))", true, true },
        { "of another that is equal", "(type $a (struct (field (ref $a)))) (type $b (struct (field (ref $a))))", false, false },
        { "of equal ones", "(type (array i8)) (type $x (struct)) (type $y (struct)) (type (array i8))", true, true },
        { "final and open", "(type (struct)) (type (sub (struct)))", false, false },
        { "open ones", "(type (sub (struct))) (type (sub (struct)))", true, true },
        { "groups, same place", "(rec (type $a (struct)) (type (func (param (ref $a)))))"
                                "(rec (type (func)) (type (func)))"
                                "(rec (type $b (struct)) (type (func (param (ref $b)))))", false, false },
        { "alone and in a group", "(type (struct)) (rec (type (struct)) (type (struct)))", false, false },
        { "below", "(type $a (sub (struct))) (type (sub $a (struct (field i32))))", false, true },
        { "far below", "(type $a (sub (struct))) (type $b (sub $a (struct (field i32))))"
                       "(type $c (sub $b (struct (field i32) (field i64))))"
                       "(type (sub final $c (struct (field i32) (field i64) (field f32))))", false, true },
        { "below an equal one", "(type $a (sub (struct))) (type $b (sub (struct)))"
                                "(type (sub $b (struct (field i32))))", false, true },
        { "beside", "(type $a (sub (struct))) (type $b (sub (struct (field i32))))"
                    "(type (sub $b (struct (field i32))))", false, false },
        { "group below a group",
          "(rec (type $a (sub (struct (field (ref null $b))))) (type $b (sub (struct))))"
          "(rec (type $d (sub $b (struct))) (type $c (sub $a (struct (field (ref null $d))))))", false, true },
        { "supertypes that are equal", "(type $a (sub (struct))) (type $b (sub (struct)))"
          "(type $c (sub $a (struct))) (type $d (sub $b (struct)))", false, true },
};

START_TEST(types_are_equal_or_below)
{
        char wat[1024];
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct error err = { 0 };
        uint32_t last;

        snprintf(wat, sizeof(wat), "(module %s)", pairs[_i].types);
        m = decode_wat(wat, &bytes);
        ck_assert_msg(module_validate(m, &limits_default, ALL, 1, &c, &err) == 0, "%s: %s",
                      pairs[_i].name, err.text);
        last = m->ntypes - 1;
        ck_assert_msg((m->canonical[last] == m->canonical[0]) == pairs[_i].equal, "%s", pairs[_i].name);
        ck_assert_msg(module_type_below(m, last, 0) == pairs[_i].below, "%s", pairs[_i].name);
        ck_assert_msg(module_type_below(m, 0, last) == pairs[_i].equal, "%s", pairs[_i].name);
}
END_TEST

/* Heap types: a value of the first may stand where the second is asked for. $s, $t: structures, the
 * second below the first; $a: an array; $f: a function. */
#define HEAPS "(type $s (sub (struct))) (type $t (sub $s (struct (field i32)))) (type $a (array i8)) " \
              "(type $f (func)) "

static const struct { const char *have, *want; bool fits; } heap_cases[] = {
        { "$t", "$s", true },        { "$s", "$t", false },     { "$t", "struct", true },
        { "$t", "eq", true },        { "$t", "any", true },     { "$t", "array", false },
        { "$t", "func", false },     { "$a", "array", true },   { "$a", "struct", false },
        { "$f", "func", true },      { "$f", "any", false },    { "i31", "eq", true },
        { "i31", "any", true },      { "i31", "struct", false },{ "any", "eq", false },
        { "none", "$t", true },      { "none", "$f", false },   { "none", "i31", true },
        { "none", "func", false },   { "nofunc", "$f", true },  { "nofunc", "func", true },
        { "nofunc", "none", false }, { "noextern", "extern", true }, { "extern", "any", false },
        { "noexn", "exn", true },    { "exn", "any", false },   { "struct", "$s", false },
        { "eq", "any", true },       { "array", "eq", true },   { "noextern", "any", false },
};

START_TEST(heap_types_fit)
{
        static const struct { const char *have, *want; bool fits; } nulls[] = {
                { "", "", true }, { "", "null ", true }, { "null ", "null ", true }, { "null ", "", false },
        };

        for (unsigned n = 0; n < ELEMENTSOF(nulls); n++) {
                _cleanup_free_ uint8_t *bytes = NULL;
                _cleanup_(module_freep) struct module *m = NULL;
                _cleanup_(checked_module_freep) struct checked_module *c = NULL;
                struct error err = { 0 };
                char wat[512];
                int r;

                snprintf(wat, sizeof(wat), "(module " HEAPS "(func (param (ref %s%s)) "
                         "(result (ref %s%s)) local.get 0))", nulls[n].have, heap_cases[_i].have,
                         nulls[n].want, heap_cases[_i].want);
                m = decode_wat(wat, &bytes);
                r = module_validate(m, &limits_default, ALL, 1, &c, &err);
                ck_assert_msg(r == (heap_cases[_i].fits && nulls[n].fits ? 0 : -EBADMSG), "%s: %s",
                              wat, err.text);
        }
}
END_TEST

#define TYPES "(type $s (sub (struct (field $c i32) (field $m (mut i64)) (field $p (mut i8))))) " \
              "(type $r (struct (field (ref $s)))) (type $b (array (mut i8))) (type $i (array i32)) " \
              "(type $x (array (mut (ref null $s)))) (type $y (array (mut anyref))) " \
              "(type $n (array (mut (ref any)))) (type $f (func)) "
#define GC(body) "(module " TYPES body ")"

static const struct { const char *name, *wat; } good_cases[] = {
        { "struct.new", GC("(func (result (ref $s)) (struct.new $s (i32.const 1) (i64.const 2) (i32.const 3)))") },
        { "struct.new_default", GC("(func (result (ref $s)) (struct.new_default $s))") },
        { "struct.get", GC("(func (param (ref null $s)) (result i64) (struct.get $s $m (local.get 0)))") },
        { "struct.get_s", GC("(func (param (ref $s)) (result i32) (struct.get_s $s $p (local.get 0)))") },
        { "struct.get_u of unreachable", GC("(func (result i32) unreachable struct.get_u $s $p)") },
        { "struct.set", GC("(func (param (ref $s)) (struct.set $s 1 (local.get 0) (i64.const 1)))") },
        { "array.new", GC("(func (result (ref $b)) (array.new $b (i32.const 1) (i32.const 9)))") },
        { "array.new_default", GC("(func (result arrayref) (array.new_default $x (i32.const 9)))") },
        { "array.new_fixed", GC("(func (result eqref) (array.new_fixed $i 2 (i32.const 1) (i32.const 2)))") },
        { "array.new_fixed of none", GC("(func (drop (array.new_fixed $n 0)))") },
        { "array.new_data", GC("(data $d \"abc\") (func (drop (array.new_data $b $d (i32.const 0) (i32.const 3))))") },
        { "array.new_elem", GC("(elem $e (ref $s)) (func (drop (array.new_elem $x $e (i32.const 0) (i32.const 0))))") },
        { "array.get", GC("(func (param (ref $i)) (result i32) (array.get $i (local.get 0) (i32.const 0)))") },
        { "array.get_u", GC("(func (param (ref $b)) (result i32) (array.get_u $b (local.get 0) (i32.const 0)))") },
        { "array.set", GC("(func (param (ref $x)) (array.set $x (local.get 0) (i32.const 0) (ref.null none)))") },
        { "array.len", GC("(func (param (ref null $x)) (result i32) (array.len (local.get 0)))") },
        { "array.fill", GC("(func (param (ref $b)) (array.fill $b (local.get 0) (i32.const 0) (i32.const 1) (i32.const 2)))") },
        { "array.copy to a wider type", GC("(func (param (ref $y) (ref $x)) (array.copy $y $x (local.get 0) (i32.const 0) (local.get 1) (i32.const 1) (i32.const 2)))") },
        { "array.init_data", GC("(data $d \"a\") (func (param (ref $b)) (array.init_data $b $d (local.get 0) (i32.const 0) (i32.const 0) (i32.const 1)))") },
        { "array.init_elem", GC("(elem $e (ref null $s)) (func (param (ref $y)) (array.init_elem $y $e (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0)))") },
        { "ref.test", GC("(func (param anyref) (result i32) (ref.test (ref $s) (local.get 0)))") },
        { "ref.cast null", GC("(func (param anyref) (result (ref null $s)) (ref.cast (ref null $s) (local.get 0)))") },
        { "ref.cast of functions", GC("(func (param funcref) (result (ref $f)) (ref.cast (ref $f) (local.get 0)))") },
        { "br_on_cast", GC("(func (param anyref) (result (ref null $s)) (br_on_cast 0 anyref (ref null $s) (local.get 0)) (ref.as_non_null) drop (ref.null $s))") },
        { "br_on_cast without null leaves null", GC("(func (param anyref) (result (ref $s)) (br_on_cast 0 anyref (ref $s) (local.get 0)) ref.is_null drop unreachable)") },
        { "br_on_cast_fail", GC("(func (param anyref) (result anyref) (br_on_cast_fail 0 anyref (ref $s) (local.get 0)) (struct.get $s $c) drop (ref.null any))") },
        { "conversions keep null out", GC("(func (param (ref extern)) (result (ref extern)) (extern.convert_any (any.convert_extern (local.get 0))))") },
        { "i31", GC("(func (result i32) (i31.get_s (ref.i31 (i32.const 1))))") },
        { "ref.eq", GC("(func (param eqref (ref null $s)) (result i32) (ref.eq (local.get 0) (local.get 1)))") },
        { "constants", GC("(global (ref $s) (struct.new_default $s)) (global (ref $r) (struct.new $r (global.get 0)))"
                          "(global arrayref (array.new_fixed $i 2 (i32.const 1) (i32.const 2)))"
                          "(global (ref i31) (ref.i31 (i32.const 5))) (table 3 (ref i31) (ref.i31 (i32.const 1)))"
                          "(elem (ref $b) (array.new $b (i32.const 1) (i32.const 2)) (item (array.new_default $b (i32.const 2))))"
                          "(global externref (extern.convert_any (global.get 3)))") },
        { "subtype of a function", "(module (type $p (sub (func (param (ref none)) (result anyref)))) "
                                   "(type (sub $p (func (param eqref) (result (ref i31))))))" },
        { "subtype of an array", "(module (type $p (sub (array anyref))) (type (sub $p (array (ref eq)))))" },
        { "segment of a subtype", GC("(table 1 anyref) (elem (i32.const 0) (ref i31) (ref.i31 (i32.const 1)))") },
        { "local without default, set", GC("(func (local (ref $s)) (local.set 0 (struct.new_default $s)) (drop (local.get 0)))") },
};

static const struct { const char *name, *wat, *text; } bad_cases[] = {
        { "supertype is final", "(module (type $a (struct)) (type (sub $a (struct))))", "sub type 1 of type 0, which is final" },
        { "supertype is behind", "(module (rec (type (sub 1 (struct))) (type (sub (struct)))))", "unknown type 1" },
        { "supertype is itself", "(module (type (sub 0 (struct))))", "unknown type 0" },
        { "supertype of another kind", "(module (type $a (sub (array i32))) (type (sub $a (struct))))", "sub type" },
        { "fewer fields", "(module (type $a (sub (struct (field i32)))) (type (sub $a (struct))))", "sub type" },
        { "field becomes mutable", "(module (type $a (sub (struct (field i32)))) (type (sub $a (struct (field (mut i32))))))", "sub type" },
        { "mutable field becomes narrower", "(module (type $a (sub (array (mut anyref)))) (type (sub $a (array (mut eqref)))))", "sub type" },
        { "other packing", "(module (type $a (sub (array i8))) (type (sub $a (array i16))))", "sub type" },
        { "results are wider", "(module (type $a (sub (func (result eqref)))) (type (sub $a (func (result anyref)))))", "sub type" },
        { "parameters are narrower", "(module (type $a (sub (func (param anyref)))) (type (sub $a (func (param eqref)))))", "sub type" },
        { "field of a type behind the group", "(module (type (struct (field (ref 1)))) (type (struct)))", "unknown type 1" },
        { "function of a structure type", "(module (type (struct)) (func (type 0)))", "type mismatch: type 0 is not a function type" },
        { "tag of a structure type", "(module (type (struct)) (tag (type 0)))", "type mismatch: type 0 is not a function type" },
        { "block of an array type", "(module (type (array i8)) (func block (type 0) end))", "type mismatch: type 0 is not a function type" },
        { "call_ref of a structure type", GC("(func (call_ref $s (ref.null $s)))"), "type mismatch: type 0 is not a function type" },
        { "struct.new of an array", GC("(func (drop (struct.new_default $b)))"), "type mismatch: type 2 is not a structure" },
        { "struct.new of an unknown type", GC("(func (drop (struct.new_default 99)))"), "unknown type 99" },
        { "struct.new_default without one", GC("(func (drop (struct.new_default $r)))"), "type mismatch: field types" },
        { "struct.new, operand missing", GC("(func (drop (struct.new $s (i32.const 1) (i32.const 3))))"), "type mismatch" },
        { "struct.get of a packed field", GC("(func (param (ref $s)) (drop (struct.get $s $p (local.get 0))))"), "type mismatch: a field of i8 is packed" },
        { "struct.get_s of another", GC("(func (param (ref $s)) (drop (struct.get_s $s $c (local.get 0))))"), "type mismatch: a field of i32 is not packed" },
        { "struct.get of an unknown field", GC("(func (param (ref $s)) (drop (struct.get $s 3 (local.get 0))))"), "unknown field 3 of type 0" },
        { "struct.set of a constant", GC("(func (param (ref $s)) (struct.set $s $c (local.get 0) (i32.const 1)))"), "immutable field 0" },
        { "struct.get of a supertype", GC("(func (param structref) (drop (struct.get $s $c (local.get 0))))"), "type mismatch: struct.get needs" },
        { "array.new_default without one", GC("(func (drop (array.new_default $n (i32.const 1))))"), "type mismatch: array type 6 has no default" },
        { "array.new_data of references", GC("(data $d \"\") (func (drop (array.new_data $x $d (i32.const 0) (i32.const 0))))"), "array type is not numeric or vector" },
        { "array.new_data of an unknown segment", GC("(data \"\") (func (drop (array.new_data $b 1 (i32.const 0) (i32.const 0))))"), "unknown data segment 1" },
        { "array.new_elem of numbers", GC("(elem $e (ref $s)) (func (drop (array.new_elem $b $e (i32.const 0) (i32.const 0))))"), "type mismatch: a segment of" },
        { "array.new_elem of an unknown segment", GC("(func (drop (array.new_elem $x 0 (i32.const 0) (i32.const 0))))"), "unknown elem segment 0" },
        { "array.set of a constant", GC("(func (param (ref $i)) (array.set $i (local.get 0) (i32.const 0) (i32.const 0)))"), "immutable array" },
        { "array.fill of a constant", GC("(func (param (ref $i)) (array.fill $i (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0)))"), "immutable array" },
        { "array.copy to a narrower type", GC("(func (param (ref $x) (ref $y)) (array.copy $x $y (local.get 0) (i32.const 0) (local.get 1) (i32.const 0) (i32.const 0)))"), "array types do not match" },
        { "array.copy to a constant", GC("(func (param (ref $i)) (array.copy $i $i (local.get 0) (i32.const 0) (local.get 0) (i32.const 0) (i32.const 0)))"), "immutable array" },
        { "array.init_elem of a wider segment", GC("(elem $e anyref) (func (param (ref $x)) (array.init_elem $x $e (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0)))"), "type mismatch: a segment of" },
        { "array.len of a structure", GC("(func (param (ref $s)) (drop (array.len (local.get 0))))"), "type mismatch" },
        { "array.new_fixed of too many", GC("(func unreachable array.new_fixed $i 10001 drop)"), "array.new_fixed of 10001 operands" },
        { "ref.test of another hierarchy", GC("(func (param funcref) (drop (ref.test (ref $s) (local.get 0))))"), "type mismatch" },
        { "ref.cast to an unknown type", GC("(func (param anyref) (drop (ref.cast (ref 77) (local.get 0))))"), "unknown type 77" },
        { "br_on_cast to a wider type", GC("(func (param eqref) (result anyref) (br_on_cast 0 eqref anyref (local.get 0)))"), "type mismatch: a cast of eqref to anyref" },
        { "br_on_cast, label of another type", GC("(func (param anyref) (result (ref i31)) (br_on_cast 0 anyref (ref $s) (local.get 0)) unreachable)"), "type mismatch" },
        { "br_on_cast, label without operand", GC("(func (param anyref) (br_on_cast 0 anyref (ref $s) (local.get 0)) drop)"), "type mismatch: the label takes no reference" },
        { "br_on_cast with null leaves none", GC("(func (param anyref) (result (ref null $s)) (br_on_cast 0 anyref (ref null $s) (local.get 0)) drop unreachable) (func (param anyref) (result anyref) (br_on_cast_fail 0 anyref (ref null $s) (local.get 0)) (struct.get $s $m))"), "type mismatch" },
        { "any.convert_extern of the other", GC("(func (param anyref) (drop (any.convert_extern (local.get 0))))"), "type mismatch: anyref where externref is needed" },
        { "i31.get of eq", GC("(func (param eqref) (drop (i31.get_u (local.get 0))))"), "type mismatch" },
        { "ref.eq of any", GC("(func (param anyref) (drop (ref.eq (local.get 0) (local.get 0))))"), "type mismatch" },
        { "ref.eq of functions", GC("(func (param funcref) (drop (ref.eq (local.get 0) (local.get 0))))"), "type mismatch" },
        { "constant: array.new_data", GC("(data $d \"\") (global arrayref (array.new_data $b $d (i32.const 0) (i32.const 0)))"), "constant expression required" },
        { "constant: struct.get", GC("(global i32 (struct.get $s $c (struct.new_default $s)))"), "constant expression required" },
        { "constant: operand missing", GC("(global (ref $s) (struct.new $s (i32.const 1)))"), "type mismatch: struct.new needs i64 and finds nothing" },
        { "constant: operand of another type", GC("(global (ref $r) (struct.new $r (ref.i31 (i32.const 1))))"), "type mismatch: struct.new needs (ref 0) and finds (ref i31)" },
        { "constant: more operands than there are", GC("(global arrayref (array.new_fixed $i 4000000000 (i32.const 1)))"), "type mismatch: array.new_fixed" },
        { "constant: structure of an array type", GC("(global anyref (struct.new_default $b))"), "type mismatch: type 2 is not a structure" },
        { "constant: no default", GC("(global anyref (struct.new_default $r))"), "type mismatch: type 1 has no default" },
        { "table without initial value", GC("(table 1 (ref $s))"), "type mismatch: a table of" },
        { "local without default, not set", GC("(func (local (ref $s)) (drop (local.get 0)))"), "uninitialized local 0" },
};

static int validate_wat(const char *wat, struct checked_module **ret, struct error *err)
{
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_(module_freep) struct module *m = decode_wat(wat, &bytes);

        return module_validate(m, &limits_default, ALL, 1, ret, err);
}

START_TEST(valid_module_is_accepted)
{
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct error err = { 0 };

        ck_assert_msg(validate_wat(good_cases[_i].wat, &c, &err) == 0, "%s: %s", good_cases[_i].name,
                      err.text);
        ck_assert(c->features_used >> FEATURE_GC & 1);
}
END_TEST

START_TEST(invalid_module_is_refused)
{
        struct checked_module *c = (void *)0x5a5a;
        struct error err = { 0 };
        int r = validate_wat(bad_cases[_i].wat, &c, &err);

        ck_assert_msg((r == -EBADMSG || r == -E2BIG) && err.code == r, "%s: %d %s", bad_cases[_i].name,
                      r, err.text);
        ck_assert_ptr_eq(c, (void *)0x5a5a);
        ck_assert_uint_ne(err.offset, ERROR_NOWHERE);
        ck_assert_msg(strncmp(err.text, bad_cases[_i].text, strlen(bad_cases[_i].text)) == 0,
                      "%s: %s", bad_cases[_i].name, err.text);
}
END_TEST

/* A chain of subtypes, each of the one before. */
static int decode_chain(unsigned n, struct error *err)
{
        _cleanup_(buffer_done) struct buffer wat = { 0 }, bytes = { 0 };
        struct module *m = NULL;
        int r;

        buffer_append(&wat, "(module (type (sub (struct)))", 29);
        for (unsigned i = 0; i < n; i++) {
                char text[64];

                snprintf(text, sizeof(text), "(type (sub %u (struct)))", i);
                buffer_append(&wat, text, strlen(text));
        }
        buffer_append(&wat, ")", 1);
        ck_assert_int_eq(text_module_to_binary((char *)wat.bytes, wat.size, &bytes, err), 0);
        r = module_decode(bytes.bytes, bytes.size, &limits_default, ALL, 0, &m, err);
        ck_assert_int_eq(m != NULL, r == 0);
        if (m)
                ck_assert_uint_eq(m->defs[n].depth, n);
        module_free(m);
        return r;
}

START_TEST(depth_is_bounded)
{
        struct error err = { 0 };

        ck_assert_int_eq(decode_chain(63, &err), 0);
        ck_assert_int_eq(decode_chain(64, &err), -E2BIG);
        ck_assert_ptr_nonnull(strstr(err.text, "64 supertypes above a type"));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("types");

        tcase_add_loop_test(tc, types_are_equal_or_below, 0, ELEMENTSOF(pairs));
        tcase_add_loop_test(tc, heap_types_fit, 0, ELEMENTSOF(heap_cases));
        tcase_add_test(tc, depth_is_bounded);
        tcase_add_loop_test(tc, valid_module_is_accepted, 0, ELEMENTSOF(good_cases));
        tcase_add_loop_test(tc, invalid_module_is_refused, 0, ELEMENTSOF(bad_cases));
        return unit_main("gc", &tc, 1);
}
