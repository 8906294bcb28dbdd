;; Exceptions before 3.0, where the official scripts do not look.

(module
  (tag $a (param i32 i64 f32 f64))
  (tag $v (param v128))
  (tag $i (param i32))
  (tag $n)
  (tag $many (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))
  (memory 1)
  (global $seen (mut i32) (i32.const 0))
  (global (export "seen") (mut i32) (i32.const 0))
  (table funcref (elem $throw-i $throw-n))
  (type $f (func (param i32)))

  (func $throw-a (param i32) (throw $a (local.get 0) (i64.const -2) (f32.const 0.5) (f64.const -0.25)))
  (func $throw-i (param i32) (throw $i (local.get 0)))
  (func $throw-n (param i32) (throw $n))
  (func $throw-if (param i32) (if (local.get 0) (then (throw $i (local.get 0)))))

  ;; Values of every type arrive, in order.
  (func (export "values") (param i32) (result f64 f32 i64 i32) (local i32 i64 f32 f64)
    try
      local.get 0
      call $throw-a
    catch $n
      unreachable
    catch $a
      local.set 4
      local.set 3
      local.set 2
      local.set 1
    end
    (local.get 4) (local.get 3) (local.get 2) (local.get 1))
  (func (export "vector") (param i32) (result i32)
    (i32x4.extract_lane 3
      (try (result v128)
        (do (throw $v (i32x4.splat (local.get 0))))
        (catch $i drop (v128.const i64x2 0 0))
        (catch $v))))
  (func (export "many") (result i32)
    (try (result i32)
      (do (throw $many (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)
                       (i32.const 7) (i32.const 8) (i32.const 9) (i32.const 10)))
      (catch $many
        i32.add i32.sub i32.add i32.sub i32.add i32.sub i32.add i32.sub i32.add)))

  ;; The two ways out meet with several results, with parameters, and with operands below.
  (func (export "results") (param i32) (result i32)
    (i32.const 1000)
    (i32.const 7)
    (try (param i32) (result i32 i32)
      (do (local.get 0) (call $throw-if) (i32.const 5))
      (catch $i (i32.const 6)))
    i32.mul
    i32.add)

  ;; No catch can be reached: nothing in the try throws.
  (func (export "nothing-thrown") (result i32)
    (try (result i32)
      (do (i32.add (i32.const 1) (i32.const 2)))
      (catch $i)
      (catch_all (try (result i32) (do (call $throw-i (i32.const 1)) (i32.const 4)) (delegate 1)))))
  ;; The try itself is not reached.
  (func (export "dead") (result i32)
    (return (i32.const 8))
    (try (result i32)
      (do (call $throw-n (i32.const 0)) (i32.const 1))
      (catch $i)
      (catch_all (rethrow 0))))
  ;; It is left by a branch only, and its catch is not.
  (func (export "branches") (param i32) (result i32)
    (block $out (result i32)
      (try $t (result i32)
        (do
          (br_if $out (i32.const 1) (i32.eq (local.get 0) (i32.const 0)))
          (br_if $t (i32.const 2) (i32.eq (local.get 0) (i32.const 1)))
          drop drop
          (call $throw-i (local.get 0))
          unreachable)
        (catch $i
          (br_if $out (i32.eq (local.get 0) (i32.const 2)))
          (i32.add (i32.const 10))
          (br $t)))
      (i32.add (i32.const 100))))

  ;; What is thrown in a catch goes outside, also by rethrow; by the number of the try.
  (func (export "nested") (param i32) (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $i (i32.const 1)))
          (catch $i
            drop
            (try (result i32)
              (do (throw $i (i32.const 20)))
              (catch $i
                (if (i32.eqz (local.get 0)) (then (rethrow 2)))
                (if (i32.eq (local.get 0) (i32.const 1)) (then (rethrow 1)))
                (i32.add (i32.const 1)))))))
      (catch $i (i32.add (i32.const 300)))))
  ;; The same exception again after another one came and went.
  (func (export "kept") (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $i (i32.const 42)))
          (catch $i
            drop
            (try (do (throw $i (i32.const 43))) (catch_all))
            (try (do (throw $a (i32.const 1) (i64.const 1) (f32.const 1) (f64.const 1))) (catch_all))
            (rethrow 0))))
      (catch $i)))
  (func (export "cleanup") (param i32) (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call_indirect (type $f) (i32.const 77) (local.get 0)) (i32.const 0))
              (catch_all (global.set $seen (i32.add (global.get $seen) (i32.const 1))) (rethrow 0))))
          (catch_all (global.set $seen (i32.add (global.get $seen) (i32.const 10))) (rethrow 0))))
      (catch $i (i32.add (global.get $seen)))
      (catch $n (i32.sub (i32.const 0) (global.get $seen)))))

  ;; A loop in the try, the try in a loop; locals keep what they had when it was thrown.
  (func (export "loop") (param i32) (result i32) (local $sum i32) (local $n i32)
    (loop $again
      (try
        (do
          (loop $inner
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (call $throw-if (i32.eqz (i32.rem_u (local.get $n) (i32.const 3))))
            (br $inner)))
        (catch $i (local.set $sum (i32.add (local.get $sum) (local.get $n))) drop))
      (br_if $again (i32.lt_u (local.get $n) (local.get 0))))
    (local.get $sum))

  ;; delegate: to a try, to a block, out of the function, and past a catch.
  (func $delegate-out (param i32)
    (try (do (try (do (throw $i (local.get 0))) (delegate 1))) (catch_all)))
  (func (export "delegate") (param i32) (result i32)
    (try $outer (result i32)
      (do
        (try $middle (result i32)
          (do
            (try (result i32)
              (do
                (try
                  (do (if (i32.eqz (local.get 0)) (then (throw $i (i32.const 1)))))
                  (delegate $outer))
                (block $b
                  (try (do (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $i (i32.const 2)))))
                       (delegate $b)))
                (if (i32.eq (local.get 0) (i32.const 2)) (then (call $delegate-out (i32.const 3))))
                (i32.const 0))
              (catch $i (i32.add (i32.const 10)))))
          (catch $i
            (try (param i32) (result i32) (do (throw $i)) (delegate $middle)))))
      (catch $i (i32.add (i32.const 100)))))
  (func (export "delegate-from-catch") (result i32)
    (try $outer (result i32)
      (do
        (try $middle (result i32)
          (do (throw $i (i32.const 5)))
          (catch $i (try (param i32) (result i32) (do (throw $i)) (delegate $middle)))))
      (catch $i (i32.add (i32.const 1000)))))

  ;; Both kinds in one function.
  (func (export "mixed") (param i32) (result i32)
    (block $h (result i32)
      (try_table (result i32) (catch $i $h)
        (try (result i32)
          (do (call $throw-i (local.get 0)) (i32.const 0))
          (catch $n (i32.const 1))
          (catch $i
            (if (i32.gt_s (i32.const 10)) (then (rethrow 1)))
            (i32.const 2))))
      (i32.add (i32.const 500))))

  (func (export "uncaught") (try (do (throw $n)) (catch $i drop)))
  (func (export "trap") (result i32)
    (try (result i32) (do (i32.load (i32.const -1))) (catch_all (i32.const 1)))))

(assert_return (invoke "values" (i32.const 9)) (f64.const -0.25) (f32.const 0.5) (i64.const -2) (i32.const 9))
(assert_return (invoke "vector" (i32.const 9)) (i32.const 9))
(assert_return (invoke "many") (i32.const 11))
(assert_return (invoke "results" (i32.const 0)) (i32.const 1035))
(assert_return (invoke "results" (i32.const 3)) (i32.const 1018))
(assert_return (invoke "nothing-thrown") (i32.const 3))
(assert_return (invoke "dead") (i32.const 8))
(assert_return (invoke "branches" (i32.const 0)) (i32.const 1))
(assert_return (invoke "branches" (i32.const 1)) (i32.const 102))
(assert_return (invoke "branches" (i32.const 2)) (i32.const 2))
(assert_return (invoke "branches" (i32.const 3)) (i32.const 113))
(assert_return (invoke "nested" (i32.const 0)) (i32.const 301))
(assert_return (invoke "nested" (i32.const 1)) (i32.const 320))
(assert_return (invoke "nested" (i32.const 2)) (i32.const 21))
(assert_return (invoke "kept") (i32.const 42))
(assert_return (invoke "cleanup" (i32.const 0)) (i32.const 88))
(assert_return (invoke "cleanup" (i32.const 1)) (i32.const -22))
(assert_return (invoke "loop" (i32.const 30)) (i32.const 165))
(assert_return (invoke "delegate" (i32.const 0)) (i32.const 101))
(assert_return (invoke "delegate" (i32.const 1)) (i32.const 12))
(assert_return (invoke "delegate" (i32.const 2)) (i32.const 13))
(assert_return (invoke "delegate" (i32.const 3)) (i32.const 0))
(assert_return (invoke "delegate-from-catch") (i32.const 1005))
(assert_return (invoke "mixed" (i32.const 3)) (i32.const 502))
(assert_return (invoke "mixed" (i32.const 30)) (i32.const 30))
(assert_exception (invoke "uncaught"))
(assert_trap (invoke "trap") "out of bounds memory access")

(assert_invalid (module (func (rethrow 0))) "invalid rethrow label")
(assert_invalid (module (func (try (do (rethrow 0)) (catch_all)))) "invalid rethrow label")
(assert_invalid (module (func (try (do) (catch_all (rethrow 2))))) "unknown label")
(assert_invalid (module (func (try (do) (catch 0)))) "unknown tag")
(assert_invalid (module (func (block (try (do) (delegate 2))))) "unknown label")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\06\01\04\00\19\0b\0b") "misplaced CATCH_ALL opcode")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\09\01\07\00\06\40\19\19\0b\0b") "misplaced CATCH_ALL opcode")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\09\01\07\00\06\40\19\18\00\0b") "misplaced DELEGATE opcode")
(assert_malformed (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\03\02\01\00"
  "\0a\07\01\05\00\18\00\0b\0b") "misplaced DELEGATE opcode")
(assert_malformed (module quote "(func try catch_all catch 0 end)") "unexpected token")
(assert_malformed (module quote "(func try catch_all delegate 0)") "unexpected token")
(assert_malformed (module quote "(func (try (catch_all)))") "unexpected token")
(assert_malformed (module quote "(func (try (do) (do)))") "unexpected token")
