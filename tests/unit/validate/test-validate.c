/* The rules: one row each, as text. Bodies stand in (module (memory 1) (table ...) ...) of BODY. */
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/unit/decode/hex.h"
#include "tests/unit/validate/wat.h"

#define BODY(code)                                                                           \
        "(module (type $v (func)) (type $ii (func (param i32) (result i32)))"                \
        " (type $two (func (param i32 i64) (result i64 i32)))"                               \
        " (memory 1) (table $t 4 funcref) (table $e 4 externref)"                            \
        " (global $g i32 (i32.const 1)) (global $m (mut i64) (i64.const 1))"                 \
        " (elem $s funcref (ref.func $f)) (elem $x externref (ref.null extern))"             \
        " (data $d \"abc\") (func $f (type $v)) (func $h (type $ii) local.get 0)"            \
        " (func $undeclared) (func $b (type $two) local.get 1 local.get 0)"                  \
        " (func (param $p i32) (result i32) (local $l i64) (local $q f32) (local $w v128)"   \
        " " code "))"

/* $same is $t by structure. */
#define REFS(code)                                                                           \
        "(module (type $t (func (param i32) (result i32))) (type $v (func))"                 \
        " (type $same (func (param i32) (result i32)))"                                      \
        " (func $f (type $t) local.get 0) (elem declare func $f) " code ")"

#define TAGS(code) "(module (tag $i (param i32)) (tag $e) " code ")"

static const struct { const char *name, *wat; } good_cases[] = {
        { "nothing", "(module)" },
        { "result", BODY("i32.const 1") },
        { "unreachable makes what is missing", BODY("unreachable i64.add drop") },
        { "unreachable: select of nothing", BODY("unreachable select") },
        { "unreachable: drop of nothing", BODY("unreachable drop drop") },
        { "unreachable: ref.is_null of nothing", BODY("unreachable ref.is_null") },
        { "br ends the types", BODY("i32.const 7 br 0 f32.add drop") },
        { "br leaves operands behind", BODY("f64.const 1 i32.const 7 br 0") },
        { "br_if keeps the operands", BODY("i32.const 7 local.get $p br_if 0") },
        { "br_if in unreachable code makes operands",
          BODY("block (result i32) unreachable br_if 0 end") },
        { "br_table", BODY("block block local.get $p br_table 0 1 0 end end i32.const 1") },
        { "br_table with operands of unreachable code",
          BODY("block (result i32) unreachable br_table 0 0 end") },
        { "loop takes its parameters",
          BODY("i32.const 1 loop (param i32) (result i32) local.get $p br_if 0 drop i32.const 2 end") },
        { "br to a loop carries its parameters",
          BODY("i32.const 1 loop (param i32) (result i32) br 0 end") },
        { "block of several results", BODY("block (result i64 i32) i64.const 1 i32.const 2 end local.set $p drop local.get $p") },
        { "if without else passes its parameter", BODY("i32.const 1 local.get $p if (param i32) (result i32) end") },
        { "if and else", BODY("local.get $p if (result i32) i32.const 1 else i32.const 2 end") },
        { "return leaves operands behind", BODY("i64.const 3 i32.const 1 return") },
        { "call of several results", BODY("i32.const 1 i64.const 2 call $b drop drop i32.const 1") },
        { "call_indirect", BODY("i32.const 1 local.get $p call_indirect $t (type $ii)") },
        { "tail call", BODY("local.get $p return_call $h") },
        { "tail call through a table", BODY("local.get $p i32.const 1 return_call_indirect $t (type $ii)") },
        { "select of vectors", BODY("local.get $w local.get $w local.get $p select drop i32.const 1") },
        { "select with a type", BODY("ref.null func ref.null func local.get $p select (result funcref) drop i32.const 1") },
        { "tables", BODY("i32.const 0 table.get $t i32.const 1 table.grow $t drop"
                         " i32.const 0 i32.const 0 table.get $e table.set $e table.size $t") },
        { "bulk", BODY("i32.const 0 i32.const 0 i32.const 0 memory.copy"
                       " i32.const 0 i32.const 0 i32.const 0 memory.fill"
                       " i32.const 0 i32.const 0 i32.const 0 memory.init $d data.drop $d"
                       " i32.const 0 i32.const 0 i32.const 0 table.init $t $s elem.drop $s"
                       " i32.const 0 i32.const 0 i32.const 0 table.copy $t $t memory.size") },
        { "lanes", BODY("local.get $w i8x16.extract_lane_u 15 drop local.get $w local.get $w"
                        " i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 drop i32.const 0"
                        " local.get $w v128.load64_lane 1 drop i32.const 1") },
        { "declared reference", BODY("ref.func $f drop i32.const 1") },
        { "a reference that an export declares",
          "(module (func $f (export \"f\")) (func ref.func $f drop))" },
        { "call_ref", REFS("(func (result i32) i32.const 1 ref.func $f call_ref $t)") },
        { "call_ref of an equal type", REFS("(func (param (ref null $same)) (result i32) i32.const 1 local.get 0 call_ref $t)") },
        { "return_call_ref", REFS("(func (type $t) local.get 0 ref.func $f return_call_ref $t)") },
        { "call_ref of nothing", REFS("(func unreachable call_ref $t drop)") },
        { "br_on_null", REFS("(func (param (ref null $t)) (result i32) block i32.const 1 local.get 0"
                             " br_on_null 0 call_ref $t return end i32.const 2)") },
        { "br_on_non_null", REFS("(func (param (ref null $t)) (result (ref $t)) block (result (ref $t))"
                                 " local.get 0 br_on_non_null 0 ref.func $f end)") },
        { "br_on_null of nothing", REFS("(func unreachable br_on_null 0 ref.as_non_null drop)") },
        { "ref.func is of its type", REFS("(func (result (ref $t)) ref.func $f)") },
        { "a result that is less than its type", REFS("(func (result funcref) ref.func $f ref.as_non_null)") },
        { "local that is set", REFS("(func (local (ref $t)) ref.func $f local.set 0 block local.get 0 drop end local.get 0 drop)") },
        { "local that is set twice", REFS("(func (local (ref $t)) ref.func $f local.tee 0 local.tee 0 drop local.get 0 drop)") },
        { "parameter is set", REFS("(func (param (ref $t)) local.get 0 drop)") },
        { "table with an initial value", REFS("(table 3 (ref $t) (ref.func $f)) (elem (table 0) (i32.const 0) (ref $same) (ref.func $f))") },
        { "a type that names itself", "(module (type $r (func (param (ref $r)))) (type $s (func (param (ref $s))))"
          " (func (param (ref $r)) local.get 0 local.get 0 call_ref $s))" },
        { "clauses of every kind", TAGS("(func (result i32) block (result exnref) block (result i32 exnref) block"
          " try_table (catch $i 3) (catch_ref $i 1) (catch_all 0) (catch_all_ref 2) (catch $e 0) end end"
          " i32.const 1 return end drop return end throw_ref)") },
        { "throw makes what is missing", TAGS("(func (result i32) i32.const 1 throw $i i32.add)") },
        { "a null exception", TAGS("(func (result exnref) ref.null noexn)") },
        { "global.get of a global before", "(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))" },
        { "extended constants", "(module (global (import \"a\" \"b\") i32) (global i32"
                                " (i32.mul (i32.add (global.get 0) (i32.const 1)) (i32.const 3))))" },
        { "constants of every type", "(module (global f32 (f32.const 1)) (global f64 (f64.const 1))"
          " (global v128 (v128.const i64x2 1 2)) (global externref (ref.null extern))"
          " (global i64 (i64.sub (i64.const 1) (i64.const 2))))" },
        { "table with an initial value", "(module (table 4 funcref (ref.func 0)) (func))" },
        { "passive segment without memory", "(module (data \"a\"))" },
        { "largest memory", "(module (memory 65536))" },
        { "accesses to a second memory", "(module (memory 1) (memory $b 1) (func (i32.store $b offset=4"
          " (i32.const 0) (i32.load 0 (i32.const 0))) (memory.copy 1 0 (i32.const 0) (i32.const 0)"
          " (i32.const 1)) (drop (memory.grow 1 (memory.size $b)))))" },
        { "largest table", "(module (table 0xffffffff funcref))" },
        { "start", "(module (func) (start 0))" },
        { "the same name for an import and an export",
          "(module (import \"a\" \"b\" (func)) (export \"b\" (func 0)))" },
};

static const struct { const char *name, *wat, *text; } bad_cases[] = {
        { "result missing", BODY(""), "type mismatch" },
        { "result of another type", BODY("i64.const 1"), "type mismatch" },
        { "one too many", BODY("i32.const 1 i32.const 1"), "type mismatch" },
        { "operand missing", BODY("i32.const 1 i32.add"), "type mismatch: i32.add needs i32, but the stack is empty" },
        { "operand of another type", BODY("i32.const 1 i64.const 1 i32.add"), "type mismatch: i32.add needs i32 and finds i64" },
        { "first operand of another type", BODY("i64.const 1 i32.const 1 i32.add"), "type mismatch" },
        { "operands of the outer block", BODY("i32.const 1 block drop end i32.const 1"), "type mismatch" },
        { "unreachable: what is there must fit", BODY("unreachable f32.const 1 i32.add"), "type mismatch" },
        { "unreachable: too much is left", BODY("unreachable i32.const 1 i32.const 1"), "type mismatch" },
        { "unreachable ends with its block", BODY("block unreachable end i32.add"), "type mismatch" },
        { "else is reachable again", BODY("local.get $p if (result i32) unreachable else end"), "type mismatch" },
        { "if without else that makes a result", BODY("local.get $p if (result i32) i32.const 1 end"), "type mismatch" },
        { "condition of if", BODY("f32.const 1 if end i32.const 1"), "type mismatch" },
        { "loop parameter missing", BODY("loop (param i32) drop end i32.const 1"), "type mismatch" },
        { "br operand missing", BODY("br 0"), "type mismatch" },
        { "br operand of another type", BODY("f32.const 1 br 0"), "type mismatch" },
        { "br to nowhere", BODY("i32.const 1 br 1"), "unknown label 1" },
        { "br_if to nowhere", BODY("i32.const 1 i32.const 1 br_if 9"), "unknown label 9" },
        { "br_if condition", BODY("i32.const 1 i64.const 1 br_if 0"), "type mismatch" },
        { "br_table to nowhere", BODY("i32.const 1 i32.const 1 br_table 0 1"), "unknown label 1" },
        { "br_table: other number of operands", BODY("block i32.const 1 i32.const 1 br_table 0 1 end i32.const 1"), "type mismatch" },
        { "br_table: other types", BODY("block (result f32) i32.const 1 i32.const 1 br_table 1 0 end drop i32.const 1"), "type mismatch" },
        { "return operand", BODY("i64.const 1 return"), "type mismatch" },
        { "call of nothing", BODY("call 99"), "unknown function 99" },
        { "call operand", BODY("i64.const 1 call $h"), "type mismatch" },
        { "call_indirect: table", BODY("i32.const 1 i32.const 1 call_indirect 7 (type $ii)"), "unknown table 7" },
        { "call_indirect: table of externref", BODY("i32.const 1 i32.const 1 call_indirect $e (type $ii)"), "type mismatch" },
        { "call_indirect: index", BODY("i32.const 1 i64.const 1 call_indirect $t (type $ii)"), "type mismatch" },
        { "call_indirect: type", BODY("i32.const 1 call_indirect $t (type 99)"), "unknown type 99" },
        { "tail call of other results", BODY("return_call $f"), "type mismatch" },
        { "tail call of nothing", BODY("return_call 99"), "unknown function 99" },
        { "tail call operand", BODY("return_call $h"), "type mismatch" },
        { "indirect tail call of other results", BODY("i32.const 1 return_call_indirect $t (type $v)"), "type mismatch" },
        { "block type", BODY("block (type 99) end i32.const 1"), "unknown type" },
        { "drop of nothing", BODY("drop"), "type mismatch" },
        { "select of nothing", BODY("i32.const 1 select"), "type mismatch" },
        { "select of two types", BODY("i32.const 1 i64.const 1 i32.const 1 select"), "type mismatch" },
        { "select of references", BODY("ref.null func ref.null func i32.const 1 select drop i32.const 1"), "type mismatch" },
        { "select with two types", BODY("unreachable select (result i32 i32) drop"), "invalid result arity" },
        { "select with another type", BODY("i32.const 1 i32.const 1 i32.const 1 select (result i64) drop i32.const 1"), "type mismatch" },
        { "local.get", BODY("local.get 4"), "unknown local 4" },
        { "local.set", BODY("i32.const 1 local.set 4"), "unknown local 4" },
        { "local.set of another type", BODY("i32.const 1 local.set $l i32.const 1"), "type mismatch" },
        { "local.tee of nothing", BODY("local.tee $p"), "type mismatch" },
        { "global.get", BODY("global.get 2"), "unknown global 2" },
        { "global.set", BODY("i32.const 1 global.set 2"), "unknown global 2" },
        { "global.set of a constant", BODY("i32.const 1 global.set $g"), "immutable global" },
        { "global.set of another type", BODY("i32.const 1 global.set $m"), "type mismatch" },
        { "load: address", BODY("i64.const 1 i32.load"), "type mismatch" },
        { "load: memory", "(module (func i32.const 1 i32.load drop))", "unknown memory 0" },
        { "load: second memory", BODY("i32.const 1 i32.load 1"), "unknown memory 1" },
        { "load: alignment", BODY("i32.const 1 i32.load16_u align=4"), "alignment must not be larger than natural" },
        { "store: alignment", BODY("i32.const 1 local.get $w v128.store align=32 i32.const 1"), "alignment must not be larger than natural" },
        { "load: offset", BODY("i32.const 1 i32.load offset=4294967296"), "offset out of range" },
        { "store: value", BODY("i32.const 1 i32.const 1 i64.store i32.const 1"), "type mismatch" },
        { "store: address missing", BODY("i32.const 1 i32.store i32.const 1"), "type mismatch" },
        { "lane", BODY("local.get $w i16x8.extract_lane_u 8"), "invalid lane index" },
        { "lane of a replacement", BODY("local.get $w f64.const 1 f64x2.replace_lane 2 drop i32.const 1"), "invalid lane index" },
        { "lane of a load", BODY("i32.const 1 local.get $w v128.load64_lane 2 drop i32.const 1"), "invalid lane index" },
        { "lane of a shuffle", BODY("local.get $w local.get $w i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 32 drop i32.const 1"), "invalid lane index" },
        { "lane load: operand", BODY("i32.const 1 i32.const 1 v128.load8_lane 0 drop i32.const 1"), "type mismatch" },
        { "ref.is_null of a number", BODY("i32.const 1 ref.is_null"), "type mismatch" },
        { "ref.func of nothing", BODY("ref.func 99 drop"), "unknown function 99" },
        { "ref.func undeclared", BODY("ref.func $undeclared drop i32.const 1"), "undeclared function reference" },
        { "table.get", BODY("i32.const 1 table.get 2"), "unknown table 2" },
        { "table.set of another type", BODY("i32.const 1 ref.null extern table.set $t"), "type mismatch" },
        { "table.grow", BODY("i32.const 1 i32.const 1 table.grow $t"), "type mismatch" },
        { "table.fill", BODY("i32.const 1 ref.null func table.fill $t"), "type mismatch" },
        { "table.copy of two types", BODY("i32.const 1 i32.const 1 i32.const 1 table.copy $t $e"), "type mismatch" },
        { "table.copy from nothing", BODY("i32.const 1 i32.const 1 i32.const 1 table.copy $t 9"), "unknown table 9" },
        { "table.init from nothing", BODY("i32.const 1 i32.const 1 i32.const 1 table.init $t 9"), "unknown elem segment 9" },
        { "table.init of another type", BODY("i32.const 1 i32.const 1 i32.const 1 table.init $t $x"), "type mismatch" },
        { "elem.drop", BODY("elem.drop 9"), "unknown elem segment 9" },
        { "memory.init from nothing", BODY("i32.const 1 i32.const 1 i32.const 1 memory.init 9"), "unknown data segment 9" },
        { "data.drop", BODY("data.drop 9"), "unknown data segment 9" },
        { "memory.grow without memory", "(module (func i32.const 1 memory.grow drop))", "unknown memory 0" },
        { "memory.copy operand", BODY("i32.const 1 i64.const 1 i32.const 1 memory.copy"), "type mismatch" },
        { "memory.fill operand", BODY("i32.const 1 i32.const 1 memory.fill"), "type mismatch" },

        { "call_ref of a number", REFS("(func (result i32) i32.const 1 i32.const 1 call_ref $t)"), "type mismatch: call_ref needs (ref null 0) and finds i32" },
        { "call_ref of another type", REFS("(func (param (ref $v)) (result i32) i32.const 1 local.get 0 call_ref $t)"), "type mismatch: call_ref needs (ref null 0) and finds (ref 1)" },
        { "call_ref of funcref", REFS("(func (param funcref) (result i32) i32.const 1 local.get 0 call_ref $t)"), "type mismatch" },
        { "call_ref of an unknown type", REFS("(func unreachable call_ref 99)"), "unknown type 99" },
        { "call_ref operand", REFS("(func (result i32) ref.func $f call_ref $t)"), "type mismatch" },
        { "return_call_ref of other results", REFS("(func i32.const 1 ref.func $f return_call_ref $t)"), "type mismatch: a tail call" },
        { "ref.as_non_null of a number", REFS("(func i32.const 1 ref.as_non_null drop)"), "type mismatch: i32 where a reference" },
        { "ref.as_non_null of nothing", REFS("(func ref.as_non_null drop)"), "type mismatch" },
        { "ref.as_non_null is a reference", REFS("(func unreachable ref.as_non_null i32.eqz drop)"), "type mismatch: i32.eqz needs i32 and finds a reference" },
        { "br_on_null to nowhere", REFS("(func (param funcref) local.get 0 br_on_null 7 drop)"), "unknown label 7" },
        { "br_on_null operand", REFS("(func (param funcref) (result i32) local.get 0 br_on_null 0 drop i32.const 1)"), "type mismatch" },
        { "br_on_null of a number", REFS("(func i32.const 1 br_on_null 0 drop)"), "type mismatch: i32 where a reference" },
        { "br_on_non_null to a label without operands", REFS("(func (param funcref) local.get 0 br_on_non_null 0)"), "type mismatch: the label takes no reference" },
        { "br_on_non_null to a label of numbers", REFS("(func (param funcref) (result i32) local.get 0 br_on_non_null 0 i32.const 1)"), "type mismatch: the label takes no reference" },
        { "br_on_non_null of a wider type", REFS("(func (param funcref) (result (ref $t)) local.get 0 br_on_non_null 0 ref.func $f)"), "type mismatch" },
        { "null for what is never null", REFS("(func (result (ref $t)) ref.null $t)"), "type mismatch" },
        { "local that is not set", REFS("(func (local (ref $t)) local.get 0 drop)"), "uninitialized local 0" },
        { "local that is set in a block", REFS("(func (local (ref $t)) block ref.func $f local.set 0 end local.get 0 drop)"), "uninitialized local 0" },
        { "local that is set in the other arm", REFS("(func (local (ref $t)) i32.const 1 if ref.func $f local.set 0 else local.get 0 drop end)"), "uninitialized local 0" },
        { "local of an unknown type", REFS("(func (local (ref null 99)))"), "unknown type 99" },
        { "block of an unknown type", REFS("(func block (result (ref 99)) unreachable end drop)"), "unknown type 99" },
        { "null of an unknown type", REFS("(func ref.null 99 drop)"), "unknown type 99" },
        { "global of an unknown type", REFS("(global (ref null 99) (ref.null func))"), "unknown type 99" },
        { "imported global of an unknown type", "(module (import \"a\" \"b\" (global (ref 9))))", "unknown type 9" },
        { "constant of an unknown type", REFS("(global funcref (ref.null 99))"), "unknown type 99" },
        { "table of an unknown type", REFS("(table 1 (ref null 99))"), "unknown type 99" },
        { "elements of an unknown type", REFS("(elem (ref null 99))"), "unknown type 99" },
        { "a type that names one behind it", "(module (type (func (param (ref 1)))) (type (func)))", "unknown type 1" },
        { "table without an initial value", REFS("(table 1 (ref $t))"), "type mismatch: a table of (ref 0) needs an initial value" },
        { "table with null", REFS("(table 1 (ref $t) (ref.null $t))"), "type mismatch" },
        { "table of another type", REFS("(table 1 (ref $v) (ref.func $f))"), "type mismatch" },
        { "elements of a wider type", REFS("(table 1 (ref null $t)) (elem (table 0) (i32.const 0) funcref (ref.func $f))"), "type mismatch" },
        { "table.copy from a wider type", REFS("(table 1 (ref null $t)) (table $w 1 funcref) (func i32.const 0 i32.const 0 i32.const 0 table.copy 0 $w)"), "type mismatch" },
        { "throw of nothing", "(module (func throw 0))", "unknown tag 0" },
        { "throw operand", TAGS("(func throw $i)"), "type mismatch: throw needs i32" },
        { "throw_ref of a number", TAGS("(func i32.const 1 throw_ref)"), "type mismatch: throw_ref needs exnref and finds i32" },
        { "catch of nothing", TAGS("(func block try_table (catch 9 0) end end)"), "unknown tag 9" },
        { "catch to nowhere", TAGS("(func try_table (catch_all 7) end)"), "unknown label 7" },
        { "catch: operands", TAGS("(func try_table (catch $i 0) end)"), "type mismatch: a clause hands 1" },
        { "catch: operand of another type", TAGS("(func (result i64) try_table (catch $i 0) end i64.const 1)"), "type mismatch: a clause hands 1" },
        { "catch_ref: no place for the reference", TAGS("(func (result i32) try_table (catch_ref $i 0) end i32.const 1)"), "type mismatch: a clause hands 2" },
        { "catch_all: too many", TAGS("(func (result i32) try_table (catch_all 0) end i32.const 1)"), "type mismatch: a clause hands 0" },
        { "catch_all_ref: another reference", TAGS("(func (result funcref) try_table (catch_all_ref 0) end ref.null func)"), "type mismatch: a clause hands 1" },
        { "try_table result", TAGS("(func try_table (result i32) end drop)"), "type mismatch" },
        { "tag of an unknown type", "(module (tag (type 4)))", "unknown type 4" },
        { "imported tag of an unknown type", "(module (import \"a\" \"b\" (tag (type 4))))", "unknown type 4" },
        { "tag with results", "(module (tag (result i32)))", "non-empty tag result type" },
        { "export: tag", "(module (export \"a\" (tag 0)))", "unknown tag 0" },
        { "function of an unknown type", "(module (type (func)) (func (type 1)))", "unknown type 1" },
        { "import of an unknown type", "(module (import \"a\" \"b\" (func (type 3))))", "unknown type 3" },
        { "memory: minimum", "(module (memory 2 1))", "size minimum must not be greater than maximum" },
        { "memory: size", "(module (memory 65537))", "memory size must be at most 65536 pages (4GiB)" },
        { "memory: maximum", "(module (memory 0 65537))", "memory size must be at most" },
        { "imported memory: size", "(module (import \"a\" \"b\" (memory 65537)))", "memory size must be at most" },
        { "table: minimum", "(module (table 2 1 funcref))", "size minimum must not be greater than maximum" },
        { "table: initial value", "(module (table 4 funcref (ref.null extern)))", "type mismatch" },
        { "global: type", "(module (global i32 (i64.const 1)))", "type mismatch" },
        { "global: nothing", "(module (global i32))", "type mismatch" },
        { "global: two operands", "(module (global i32 (i32.const 1) (i32.const 1)))", "type mismatch" },
        { "global: not constant", "(module (global i32 (i32.clz (i32.const 1))))", "constant expression required" },
        { "global: block", "(module (global i32 (block (result i32) (i32.const 1))))", "constant expression required: block" },
        { "global: br_table", "(module (global i32 (i32.const 1) (br_table 0 0 0)))", "constant expression required: br_table" },
        { "global: nop", "(module (global i32 nop (i32.const 1)))", "constant expression required" },
        { "global: of itself", "(module (global i32 (global.get 0)))", "unknown global 0" },
        { "global: of a mutable one", "(module (global (mut i32) (i32.const 1)) (global i32 (global.get 0)))", "constant expression required" },
        { "global: operand of an addition", "(module (global i64 (i64.add (i64.const 1) (i32.const 1))))", "type mismatch" },
        { "global: operand missing", "(module (global i64 i64.const 1 i64.add))", "type mismatch" },
        { "global: function", "(module (global funcref (ref.func 3)))", "unknown function 3" },
        { "export: function", "(module (export \"a\" (func 0)))", "unknown function 0" },
        { "export: table", "(module (export \"a\" (table 0)))", "unknown table 0" },
        { "export: memory", "(module (export \"a\" (memory 0)))", "unknown memory 0" },
        { "export: global", "(module (export \"a\" (global 0)))", "unknown global 0" },
        { "export: name", "(module (memory 1) (table 1 funcref) (export \"a\" (memory 0)) (export \"b\" (memory 0)) (export \"a\" (table 0)))", "duplicate export name" },
        { "export: empty name", "(module (func (export \"\") (export \"\")))", "duplicate export name" },
        { "start: function", "(module (start 1) (func))", "unknown function 1" },
        { "start: type", "(module (func (param i32)) (start 0))", "start function" },
        { "elements: table", "(module (func) (elem (i32.const 0) 0))", "unknown table 0" },
        { "elements: type", "(module (func) (table 1 externref) (elem (i32.const 0) func 0))", "type mismatch" },
        { "elements: offset", "(module (func) (table 1 funcref) (elem (i64.const 0) 0))", "type mismatch" },
        { "elements: offset not constant", "(module (func) (table 1 funcref) (elem (i32.ctz (i32.const 0)) 0))", "constant expression required" },
        { "elements: function", "(module (table 1 funcref) (elem (i32.const 0) 4))", "unknown function 4" },
        { "elements: expression", "(module (elem funcref (ref.null extern)))", "type mismatch" },
        { "data: memory", "(module (data (i32.const 0) \"\"))", "unknown memory 0" },
        { "data: offset", "(module (memory 1) (data (i64.const 0) \"\"))", "type mismatch" },
        { "data: global", "(module (memory 1) (data (global.get 0) \"\"))", "unknown global 0" },
};

static int validate_wat(const char *wat, uint64_t features, struct checked_module **ret,
                        struct error *err)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = wat_bytes(wat, &size);
        _cleanup_(module_freep) struct module *m = NULL;
        int r = module_decode(bytes, size, &limits_default, features, 0, &m, err);

        ck_assert_msg(r == 0, "%s\n%s", err->text, wat);
        return module_validate(m, &limits_default, features, 1, ret, err);
}

START_TEST(valid_module_is_accepted)
{
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct error err = { 0 };
        int r = validate_wat(good_cases[_i].wat, FEATURES_DEFAULT, &c, &err);

        ck_assert_msg(r == 0, "%s: %s", good_cases[_i].name, err.text);
        ck_assert_ptr_nonnull(c);
        ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(invalid_module_is_refused)
{
        struct checked_module *c = (void *)0x5a5a;
        struct error err = { 0 };
        int r = validate_wat(bad_cases[_i].wat, FEATURES_DEFAULT, &c, &err);

        ck_assert_msg(r == -EBADMSG && err.code == r, "%s: %d %s", bad_cases[_i].name, r, err.text);
        ck_assert_ptr_eq(c, (void *)0x5a5a);
        ck_assert_int_eq(err.stage, STAGE_VALIDATE);
        ck_assert_uint_ne(err.offset, ERROR_NOWHERE);
        ck_assert_msg(strncmp(err.text, bad_cases[_i].text, strlen(bad_cases[_i].text)) == 0,
                      "%s: %s", bad_cases[_i].name, err.text);
}
END_TEST

/* What is wrong with the bytes of a body: told while it is checked, as a malformed module. The
 * module has one type () -> (), one memory, and the function sections that the row gives. */
#define ONE_FUNCTION "01 04 01 60 00 00 03 02 01 00 05 03 01 00 01 "
#define TWO_FUNCTIONS "01 04 01 60 00 00 03 03 02 00 00 05 03 01 00 01 "

static const struct { const char *name, *hex, *text; uint64_t offset; } malformed_cases[] = {
        { "no end, at the end of the file", ONE_FUNCTION "0a 06 01 04 00 41 01 1a", "unexpected end", 31 },
        { "no end, another body follows", TWO_FUNCTIONS "0a 0c 02 04 00 41 01 1a 05 00 41 01 1a 0b", "END opcode expected", 32 },
        { "no end, something like an end follows", ONE_FUNCTION "0a 06 01 04 00 41 01 1a 0b 03 01 01 00", "section size mismatch", 31 },
        { "bytes behind the end", ONE_FUNCTION "0a 05 01 03 00 0b 01", "section size mismatch", 29 },
        { "else outside of if", ONE_FUNCTION "0a 05 01 03 00 05 0b", "misplaced ELSE opcode", 28 },
        { "else twice", ONE_FUNCTION "0a 0b 01 09 00 41 00 04 40 05 05 0b 0b", "misplaced ELSE opcode", 33 },
        { "illegal opcode", ONE_FUNCTION "0a 06 01 04 00 00 ff 0b", "illegal opcode ff", 29 },
        { "illegal number", ONE_FUNCTION "0a 07 01 05 00 00 fc 1f 0b", "illegal opcode fc 1f", 29 },
        { "number of an opcode cut", ONE_FUNCTION "0a 05 01 03 00 00 fd", "unexpected end", 30 },
        { "immediate cut", ONE_FUNCTION "0a 05 01 03 00 41 80", "unexpected end", 29 },
        { "label cut", ONE_FUNCTION "0a 07 01 05 00 41 00 0e 01", "unexpected end", 32 },
        { "local groups cut", ONE_FUNCTION "0a 04 01 02 01 01", "unexpected end", 29 },
        { "local type", ONE_FUNCTION "0a 06 01 04 01 01 40 0b", "malformed value type", 29 },
        { "2^32 locals", ONE_FUNCTION "0a 0c 01 0a 02 ff ff ff ff 0f 7f 02 7e 0b", "too many locals", 28 },
        { "no data count", ONE_FUNCTION "0a 07 01 05 00 fc 09 00 0b 0b 03 01 01 00", "data count section required", 28 },
        { "memop flags", ONE_FUNCTION "0a 0b 01 09 00 41 00 28 80 01 00 1a 0b", "malformed memop flags", 31 },
};

START_TEST(malformed_body_is_refused)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, malformed_cases[_i].hex, &size);
        _cleanup_(module_freep) struct module *m = NULL;
        struct checked_module *c = (void *)0x5a5a;
        struct error err = { 0 };

        ck_assert_msg(module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &m, &err) == 0,
                      "%s: %s", malformed_cases[_i].name, err.text);
        ck_assert_int_eq(module_validate(m, &limits_default, FEATURES_DEFAULT, 1, &c, &err), -EBADMSG);
        ck_assert_ptr_eq(c, (void *)0x5a5a);
        ck_assert_int_eq(err.stage, STAGE_DECODE);
        ck_assert_msg(strncmp(err.text, malformed_cases[_i].text, strlen(malformed_cases[_i].text)) == 0,
                      "%s: %s", malformed_cases[_i].name, err.text);
        ck_assert_msg(err.offset == malformed_cases[_i].offset, "%s: byte %llu, %s",
                      malformed_cases[_i].name, (unsigned long long)err.offset, err.text);
}
END_TEST

static const struct { const char *name, *wat; enum feature feature; } feature_cases[] = {
        { "sign extension",  BODY("local.get $p i32.extend8_s"),           FEATURE_SIGN_EXTENSION },
        { "saturation",      BODY("f32.const 1 i32.trunc_sat_f32_s"),      FEATURE_SATURATING_FLOAT },
        { "vectors",         "(module (func (drop (v128.const i32x4 0 0 0 0))))", FEATURE_SIMD },
        { "vector local",    "(module (func (local v128)))",               FEATURE_SIMD },
        { "vector block",    "(module (func block (result v128) unreachable end drop))", FEATURE_SIMD },
        { "vector select",   "(module (func unreachable select (result v128) drop))", FEATURE_SIMD },
        { "tail call",       "(module (func return_call 0))",              FEATURE_TAIL_CALL },
        { "bulk",            "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))", FEATURE_BULK_MEMORY },
        { "references",      "(module (func (drop (ref.null func))))",     FEATURE_REFERENCE_TYPES },
        { "reference local", "(module (func (local externref)))",          FEATURE_REFERENCE_TYPES },
        { "multi-value",     "(module (func (i32.const 1) block (param i32) drop end))", FEATURE_MULTI_VALUE },
        { "two memories",    "(module (memory 1) (memory 1))",             FEATURE_MULTI_MEMORY },
        { "imported and own memory", "(module (import \"a\" \"b\" (memory 1)) (memory 1))", FEATURE_MULTI_MEMORY },
        { "relaxed vectors", "(module (func unreachable f32x4.relaxed_madd drop))", FEATURE_RELAXED_SIMD },
        { "atomic load", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))", FEATURE_THREADS },
        { "notify", "(module (memory 1) (func (drop (memory.atomic.notify (i32.const 0) (i32.const 0)))))", FEATURE_THREADS },
        { "fence", "(module (func atomic.fence))", FEATURE_THREADS },
        { "wide sum", "(module (func i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.add128 drop drop))", FEATURE_WIDE_ARITHMETIC },
        { "wide product", "(module (func i64.const 0 i64.const 0 i64.mul_wide_u drop drop))", FEATURE_WIDE_ARITHMETIC },
        { "throw",           "(module (tag) (func throw 0))",              FEATURE_EXCEPTIONS },
        { "try_table",       "(module (func try_table end))",              FEATURE_EXCEPTIONS },
        { "exnref",          "(module (func (local exnref)))",             FEATURE_EXCEPTIONS },
        { "call_ref",        "(module (type (func)) (func unreachable call_ref 0))", FEATURE_FUNCTION_REFERENCES },
        { "typed reference local", "(module (type (func)) (func (local (ref null 0))))", FEATURE_FUNCTION_REFERENCES },
        { "typed global",    "(module (type (func)) (global (ref null 0) (ref.null 0)))", FEATURE_FUNCTION_REFERENCES },
        { "structure",       "(module (type (struct)) (func unreachable struct.new 0 drop))", FEATURE_GC },
        { "cast",            "(module (func unreachable ref.cast eqref drop))", FEATURE_GC },
        { "anyref",          "(module (func (local anyref)))",             FEATURE_GC },
        { "mutable globals", "(module (global (export \"g\") (mut i32) (i32.const 1)))", FEATURE_MUTABLE_GLOBALS },
};

START_TEST(feature_that_is_off_is_refused)
{
        uint64_t bit = UINT64_C(1) << feature_cases[_i].feature;
        size_t size;
        _cleanup_free_ uint8_t *bytes = wat_bytes(feature_cases[_i].wat, &size);
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct error err = { 0 };

        /* Decoded with all features: what is asked is what the validator does by itself. */
        ck_assert_int_eq(module_decode(bytes, size, &limits_default, ~UINT64_C(0), 0, &m, &err), 0);
        ck_assert_msg(module_validate(m, &limits_default, ~bit, 1, &c, &err) == -EOPNOTSUPP, "%s: %s",
                      feature_cases[_i].name, err.text);
        ck_assert_ptr_null(c);
        ck_assert_ptr_nonnull(strstr(err.text, feature_table[feature_cases[_i].feature].text));
        ck_assert_int_eq(module_validate(m, &limits_default, ~UINT64_C(0), 1, &c, &err), 0);
        ck_assert(c->features_used & bit);
}
END_TEST

START_TEST(constants_need_their_feature)
{
        uint64_t features = FEATURES_DEFAULT & ~(UINT64_C(1) << FEATURE_EXTENDED_CONST);
        struct checked_module *c = NULL;
        struct error err = { 0 };

        ck_assert_int_eq(validate_wat("(module (global i32 (i32.add (i32.const 1) (i32.const 1))))",
                                      features, &c, &err), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(err.text, "constant expression required"));
        ck_assert_ptr_null(c);
}
END_TEST

/* Of proposals that are off by default. */
static const struct { const char *name, *wat, *text; } proposal_cases[] = {
        { "page of 4 KiB", "(module (memory 0 (pagesize 4096)))", "invalid custom page size: 2^12" },
        { "page of 2^63 bytes", "(module (memory i64 0 (pagesize 0x8000000000000000)))", "invalid custom page size: 2^63" },
        { "pages of bytes, size", "(module (memory 0x100000000 (pagesize 1)))", "memory size must be at most 4294967295 pages" },
        { "pages of bytes, maximum", "(module (memory 0 0x100000000 (pagesize 1)))", "memory size must be at most" },
        { "64-bit memory: size", "(module (memory i64 0x1000000000001))", "memory size must be at most" },
        { "64-bit memory: i32 address", "(module (memory i64 1) (func (drop (i32.load (i32.const 0)))))", "type mismatch" },
        { "64-bit memory: copy takes the narrower length", "(module (memory 1) (memory $w i64 1) (func"
          " (memory.copy $w 0 (i64.const 0) (i32.const 0) (i64.const 0))))", "type mismatch" },
        { "64-bit memory: segment", "(module (memory i64 1) (data (i32.const 0)))", "type mismatch" },
        { "64-bit table: i32 index", "(module (table i64 1 funcref) (func (call_indirect (i32.const 0))))", "type mismatch" },
        { "64-bit table: segment", "(module (table i64 1 funcref) (elem (i32.const 0)))", "type mismatch" },
        { "64-bit table: copy takes the narrower length", "(module (table $a 1 funcref) (table $b i64 1 funcref)"
          " (func (table.copy $a $b (i32.const 0) (i64.const 0) (i64.const 0))))", "type mismatch" },
        { "32-bit memory: offset", "(module (memory 1) (func (drop (i32.load offset=0x100000000 (i32.const 0)))))", "offset out of range" },
        { "wide sum: an i32", "(module (func i64.const 0 i32.const 0 i64.const 0 i64.const 0 i64.add128 drop drop))", "type mismatch" },
        { "wide sum: three operands", "(module (func i64.const 0 i64.const 0 i64.const 0 i64.sub128 drop drop))", "type mismatch" },
        { "wide product: results are left", "(module (func i64.const 0 i64.const 0 i64.mul_wide_s drop))", "type mismatch" },
};

START_TEST(proposal_has_its_rules)
{
        struct checked_module *c = (void *)0x5a5a;
        struct error err = { 0 };

        ck_assert_int_eq(validate_wat(proposal_cases[_i].wat, ~UINT64_C(0), &c, &err), -EBADMSG);
        ck_assert_ptr_eq(c, (void *)0x5a5a);
        ck_assert_uint_ne(err.offset, ERROR_NOWHERE);
        ck_assert_msg(strncmp(err.text, proposal_cases[_i].text, strlen(proposal_cases[_i].text)) == 0,
                      "%s: %s", proposal_cases[_i].name, err.text);
}
END_TEST

START_TEST(wide_memories_have_wide_addresses)
{
        uint64_t features = FEATURES_DEFAULT | UINT64_C(1) << FEATURE_MEMORY64;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct checked_module *none = NULL;
        struct error err = { 0 };

        ck_assert_msg(validate_wat("(module (memory 1) (memory $w i64 1) (func"
                                   " (i64.store $w offset=0x100000000 (i64.const 0) (i64.const 1))"
                                   " (memory.copy 0 $w (i32.const 0) (i64.const 0) (i32.const 0))"
                                   " (drop (i64.add (memory.size $w) (memory.grow $w (i64.const 1))))))",
                                   features, &c, &err) == 0, "%s", err.text);
        ck_assert_int_eq(validate_wat("(module (memory i64 1) (func (drop (i32.load (i32.const 0)))))",
                                      features, &none, &err), -EBADMSG);
        ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("validate");

        tcase_add_loop_test(tc, valid_module_is_accepted, 0, ELEMENTSOF(good_cases));
        tcase_add_loop_test(tc, invalid_module_is_refused, 0, ELEMENTSOF(bad_cases));
        tcase_add_loop_test(tc, malformed_body_is_refused, 0, ELEMENTSOF(malformed_cases));
        tcase_add_loop_test(tc, feature_that_is_off_is_refused, 0, ELEMENTSOF(feature_cases));
        tcase_add_test(tc, constants_need_their_feature);
        tcase_add_loop_test(tc, proposal_has_its_rules, 0, ELEMENTSOF(proposal_cases));
        tcase_add_test(tc, wide_memories_have_wide_addresses);
        return unit_main("validate", &tc, 1);
}
