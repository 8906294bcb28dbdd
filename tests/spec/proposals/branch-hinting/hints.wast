;; Hints change where code lies, never what it does: right ones and wrong ones, on values of every type.

(module
  (memory 1)
  (func (export "i32") (param i32 i32) (result i32)
    (block (result i32)
      (local.get 1)
      (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0))
      drop
      (i32.const 7)))
  (func (export "i64") (param i32 i64) (result i64)
    (i64.add (i64.const 1)
      (block (result i64)
        (i64.mul (local.get 1) (i64.const 3))
        (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0))
        drop
        (i64.const 7))))
  (func (export "f64") (param i32 f64) (result f64)
    (f64.add (f64.const 0.5)
      (block (result f64)
        (f64.const 2)
        (@metadata.code.branch_hint "\00") (br_if 0 (i32.lt_s (local.get 0) (i32.const 5)))
        drop
        (local.get 1)
        (@metadata.code.branch_hint "\00") (br_if 0 (i32.gt_s (local.get 0) (i32.const 10)))
        drop
        (f64.load (i32.const 8))
        (@metadata.code.branch_hint "\00") (br_if 0 (f64.lt (local.get 1) (f64.const 0)))
        drop
        (f64.const 9))))
  (func (export "v128") (param i32) (result i32)
    (i32x4.extract_lane 2
      (block (result v128)
        (v128.const i32x4 1 2 3 4)
        (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0))
        drop
        (v128.const i32x4 5 6 7 8))))
  (func (export "two") (param i32) (result i32)
    (i32.sub
      (block (result i32 i32)
        (i32.const 10) (i32.const 3)
        (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0))
        drop drop
        (i32.const 20) (i32.const 4))))
  (func (export "return") (param i32 i32) (result i32)
    (local.get 1)
    (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0))
    drop
    (i32.const -1))
  (func (export "loop") (param i32) (result i32) (local i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (@metadata.code.branch_hint "\01")
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "if") (param i32) (result i32)
    (@metadata.code.branch_hint "\00")
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))
    (@metadata.code.branch_hint "\01")
    (if (param i32) (result i32) (local.get 0) (then (i32.const 4) i32.mul) (else (i32.const 8) i32.mul)))
)
(assert_return (invoke "i32" (i32.const 0) (i32.const 3)) (i32.const 7))
(assert_return (invoke "i32" (i32.const 1) (i32.const 3)) (i32.const 3))
(assert_return (invoke "i64" (i32.const 0) (i64.const 5)) (i64.const 8))
(assert_return (invoke "i64" (i32.const 1) (i64.const 5)) (i64.const 16))
(assert_return (invoke "f64" (i32.const 3) (f64.const 1)) (f64.const 2.5))
(assert_return (invoke "f64" (i32.const 11) (f64.const 1)) (f64.const 1.5))
(assert_return (invoke "f64" (i32.const 7) (f64.const -1)) (f64.const 0.5))
(assert_return (invoke "f64" (i32.const 7) (f64.const 1)) (f64.const 9.5))
(assert_return (invoke "v128" (i32.const 0)) (i32.const 7))
(assert_return (invoke "v128" (i32.const 1)) (i32.const 3))
(assert_return (invoke "two" (i32.const 0)) (i32.const 16))
(assert_return (invoke "two" (i32.const 1)) (i32.const 7))
(assert_return (invoke "return" (i32.const 0) (i32.const 5)) (i32.const -1))
(assert_return (invoke "return" (i32.const 1) (i32.const 5)) (i32.const 5))
(assert_return (invoke "loop" (i32.const 10)) (i32.const 55))
(assert_return (invoke "if" (i32.const 0)) (i32.const 16))
(assert_return (invoke "if" (i32.const 1)) (i32.const 4))

(assert_malformed_custom
  (module quote "(func (@metadata.code.branch_hint \"\\02\") (br_if 0 (i32.const 0)))") "malformed value")
(assert_malformed_custom
  (module quote "(func (@metadata.code.branch_hint \"\\00\\00\") (br_if 0 (i32.const 0)))") "malformed value")
(assert_malformed_custom
  (module quote "(func (@metadata.code.branch_hint 1) (br_if 0 (i32.const 0)))") "unexpected token")
(assert_malformed_custom
  (module quote "(func) (@metadata.code.branch_hint \"\\00\")") "not in a function")
(assert_invalid_custom
  (module quote "(func (@metadata.code.branch_hint \"\\00\"))") "invalid target")
(assert_invalid_custom
  (module quote "(func (@metadata.code.branch_hint \"\\00\") (br 0))") "invalid target")
