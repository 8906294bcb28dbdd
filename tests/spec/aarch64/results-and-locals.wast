;; Results behind the first, while the registers that a call leaves are full of locals.
(module
(func $m (param i32) (result i32 i32 i64 i32) (local.get 0) (i32.const 2) (i64.const 3) (i32.const 4))
(func (export "f") (param i32 i32 i32 i32 i32 i32) (result i32)
 (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64)
 (local.set 6 (i32.const 100)) (local.set 7 (i32.const 101)) (local.set 8 (i32.const 102)) (local.set 9 (i32.const 103)) (local.set 10 (i32.const 104)) (local.set 11 (i32.const 105)) (local.set 12 (i32.const 106)) (local.set 13 (i32.const 107)) (local.set 14 (i32.const 108)) (local.set 15 (i32.const 109)) (local.set 16 (i32.const 110))
 (call $m (local.get 1)) (local.set 26) (local.set 27) (local.set 25) (local.set 24)
 (loop $l
  (local.set 23 (i32.add (local.get 23) (i32.add (local.get 0) (i32.add (local.get 1) (i32.add (local.get 2) (i32.add (local.get 3) (i32.add (local.get 4) (local.get 5))))))))
  (local.set 23 (i32.add (local.get 23) (i32.add (local.get 6) (i32.add (local.get 7) (i32.add (local.get 8) (i32.add (local.get 9) (i32.add (local.get 10) (local.get 11))))))))
  (local.set 23 (i32.add (local.get 23) (i32.add (local.get 12) (i32.add (local.get 13) (i32.add (local.get 14) (i32.add (local.get 15) (local.get 16)))))))
  (br_if $l (i32.lt_u (local.tee 22 (i32.add (local.get 22) (i32.const 1))) (i32.const 10))))
 (i32.add (local.get 23) (i32.add (local.get 24) (local.get 26)))))
(assert_return (invoke "f" (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)) (i32.const 11766))
