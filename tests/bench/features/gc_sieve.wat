;; The sieve in an array of bytes: bounds and elements.
(module
  (type $bytes (array (mut i8)))
  (func $sieve (param $a (ref null $bytes)) (result i32)
    (local $i i32) (local $k i32) (local $count i32) (local $n i32)
    (local.set $n (array.len (local.get $a)))
    (array.fill $bytes (local.get $a) (i32.const 0) (i32.const 1) (local.get $n))
    (local.set $i (i32.const 2))
    (loop $l
      (if (array.get_u $bytes (local.get $a) (local.get $i)) (then
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (local.set $k (i32.add (local.get $i) (local.get $i)))
        (block $out
          (loop $m
            (br_if $out (i32.ge_u (local.get $k) (local.get $n)))
            (array.set $bytes (local.get $a) (local.get $k) (i32.const 0))
            (local.set $k (i32.add (local.get $k) (local.get $i)))
            (br $m)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $count))
  (func (export "kernel") (param $n i32) (result i64)
    (local $a (ref null $bytes)) (local $sum i64)
    (local.set $a (array.new_default $bytes (i32.const 20000)))
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $sieve (local.get $a)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
