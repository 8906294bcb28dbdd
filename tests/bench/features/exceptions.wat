;; A throw in a loop, caught two calls further out; every fourth call throws.
(module
  (tag $e (param i32))
  (func $inner (param $i i32) (result i32)
    (if (i32.eqz (i32.and (local.get $i) (i32.const 3))) (then (throw $e (local.get $i))))
    (i32.mul (local.get $i) (i32.const 3)))
  (func $middle (param $i i32) (result i32)
    (i32.add (call $inner (local.get $i)) (i32.const 1)))
  (func (export "kernel") (param $n i32) (result i64)
    (local $sum i64) (local $i i32)
    (local.set $n (i32.mul (local.get $n) (i32.const 1000)))
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u
        (block $caught (result i32)
          (try_table (result i32) (catch $e $caught) (call $middle (local.get $i)))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $sum)))
