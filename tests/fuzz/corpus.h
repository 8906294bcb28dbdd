/* corpus.h - the modules that mutate starts from, as text: between them every section, every kind
 * of segment, and every shape of immediate. */
#pragma once

static const char *const corpus[] = {
        "(module)",

        "(module (rec (type $n (sub (struct (field $next (mut (ref null $n))) (field $v i8) (field i64))))"
        " (type $m (sub $n (struct (field (mut (ref null $n))) (field i8) (field i64) (field (ref null $f)))))"
        " (type $f (func (param (ref null $m)) (result anyref)))) (type $b (array (mut i8)))"
        " (type $r (array (mut (ref null $n)))) (type $p (sub (func (param i32)))) (type (sub final $p (func (param i32))))"
        " (global (ref $n) (struct.new $n (ref.null none) (i32.const 1) (i64.const 2)))"
        " (global (ref $b) (array.new_fixed $b 3 (i32.const 1) (i32.const 2) (i32.const 3)))"
        " (global i31ref (ref.i31 (i32.const 7))) (table 2 (ref null $n) (ref.null none))"
        " (elem $e (ref null $n) (global.get 0) (struct.new_default $n)) (data $d \"abcdefgh\")"
        " (func (export \"a\") (type $f) (local (ref $n)) (local.set 1 (struct.new_default $m))"
        "  (struct.set $n $next (local.get 1) (local.get 0)) (drop (struct.get_s $n $v (local.get 1)))"
        "  (drop (struct.get $n 2 (local.get 1))) (drop (ref.test (ref $m) (local.get 1)))"
        "  (br_on_cast 0 (ref null $n) (ref $m) (local.get 1)) (br_on_cast_fail 0 (ref null $n) (ref null $m))"
        "  (ref.cast (ref null $n)) (ref.eq (ref.i31 (i32.const 1))) drop"
        "  (any.convert_extern (extern.convert_any (local.get 0))))"
        " (func (param (ref null $b) i32) (result i32)"
        "  (array.set $b (local.get 0) (local.get 1) (i32.const 4)) (drop (array.new $b (i32.const 1) (i32.const 2)))"
        "  (array.fill $b (local.get 0) (i32.const 0) (i32.const 1) (array.len (local.get 0)))"
        "  (array.copy $b $b (local.get 0) (i32.const 0) (local.get 0) (i32.const 1) (i32.const 2))"
        "  (array.init_data $b $d (local.get 0) (i32.const 0) (i32.const 0) (i32.const 4))"
        "  (drop (array.new_data $b $d (i32.const 0) (i32.const 4)))"
        "  (array.init_elem $r $e (array.new_default $r (i32.const 2)) (i32.const 0) (i32.const 0) (i32.const 1))"
        "  (drop (array.new_elem $r $e (i32.const 0) (i32.const 1)))"
        "  (i32.add (array.get_u $b (local.get 0) (i32.const 0)) (i31.get_s (ref.i31 (local.get 1))))))",

        "(module (type (func (param i32 i64 f32 f64 v128 funcref externref) (result i32)))"
        " (type (func (result i32 i64 f32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))"
        " (import \"env\" \"memory\" (memory 1 16)) (import \"env\" \"table\" (table 1 10 funcref))"
        " (import \"env\" \"base\" (global i32)) (import \"env\" \"sp\" (global (mut i32)))"
        " (func $a (export \"a\") (type 0) local.get 0)"
        " (func $b (export \"b\") (type 1) i32.const -1 i64.const 0x7fffffffffffffff f32.const 1)"
        " (global (export \"g\") i64 (i64.const 42)) (global funcref (ref.func $a))"
        " (table 4 externref) (elem (global.get 0) $a $b $a) (elem declare func $b)"
        " (elem funcref (ref.null func) (ref.func $b)) (elem (table 0) (i32.const 2) funcref (ref.func 0))"
        " (data (global.get 0) \"hello\\n\") (data \"passive\") (export \"m\" (memory 0)))",

        "(module $named (memory 1) (func $fib (param $n i32) (result i32)"
        " (if (result i32) (i32.lt_u (local.get $n) (i32.const 2)) (then (local.get $n))"
        "  (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))"
        "   (call $fib (i32.sub (local.get $n) (i32.const 2)))))))"
        " (func $sum (param $p i32) (param $e i32) (result f64) (local $s f64) (local $i i64)"
        "  block loop local.get $p local.get $e i32.ge_u br_if 1"
        "  local.get $s local.get $p f64.load offset=8 align=4 f64.add local.set $s"
        "  local.get $p i32.const 8 i32.add local.tee $p local.get $i i64.store32 br 0 end end"
        "  local.get $s)"
        " (func (param i32) block block block local.get 0 br_table 0 1 2 1 end end end)"
        " (func $start) (start $start))",

        "(module (memory 1) (table $t 8 funcref) (table $x 8 externref)"
        " (type $ii (func (param i32) (result i32))) (data $d \"0123456789\") (elem $e func $f)"
        " (func $f (type $ii) local.get 0 i32.const 1 call_indirect $t (type $ii))"
        " (func (param externref i32)"
        "  i32.const 0 i32.const 0 i32.const 8 memory.init $d data.drop $d"
        "  i32.const 0 i32.const 8 i32.const 8 memory.copy i32.const 0 i32.const 1 i32.const 2 memory.fill"
        "  i32.const 0 i32.const 0 i32.const 1 table.init $t $e elem.drop $e"
        "  i32.const 0 i32.const 1 i32.const 2 table.copy $t $t"
        "  i32.const 0 local.get 0 i32.const 3 table.fill $x"
        "  local.get 0 local.get 1 table.grow $x table.size $t i32.add drop"
        "  i32.const 1 i32.const 0 table.get $x table.set $x"
        "  ref.func $f ref.null func local.get 1 select (result funcref) ref.is_null drop"
        "  memory.size memory.grow drop)"
        " (func (param i32) (result i32) local.get 0 return_call $f)"
        " (func (param i32) (result i32) local.get 0 local.get 0 return_call_indirect $t (type $ii)))",

        "(module (memory 1) (func (param v128 i32) (result v128)"
        " local.get 0 v128.const i32x4 1 2 3 4 i32x4.add"
        " local.get 1 v128.load offset=16 align=1 i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31"
        " local.get 1 local.get 0 v128.load16_lane 7 v128.xor"
        " local.get 0 i8x16.extract_lane_s 15 i16x8.splat f32x4.convert_i32x4_s"
        " local.get 0 v128.bitselect local.get 1 local.get 0 v128.store64_lane offset=1000 1"
        " local.get 0 i64x2.extract_lane 1 i32.wrap_i64 i32.extend8_s drop"
        " local.get 0 f64x2.extract_lane 0 i32.trunc_sat_f64_u drop))",

        "(module (type $t (func (param i32 i64) (result i64 i32)))"
        " (func (param i32 i64) (result i64 i32) local.get 0 local.get 1"
        " loop (type $t) local.set 1 local.set 0 local.get 1 local.get 0 end"
        " block (param i64 i32) (result i64 i32) local.get 0 br_if 0 end"
        " local.get 0 if (param i64 i32) (result i64 i32) unreachable else return end"
        " drop drop unreachable select drop i64.const 1 i32.const 2))",
};
