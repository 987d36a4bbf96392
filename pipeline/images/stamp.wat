;; What the fit of the kernel does with the stamps of stars, two float64 at a time: the passes of a separable filter, and products of functions. Float64,
;; because the kernel's functions are nearly dependent. JavaScript reaches no vector unit; `npm run generate` assembles this into stamp.generated.ts.
;; All addresses and strides are in bytes, all counts in elements. The caller lays out the memory (see stamp.ts) and leaves room for the rounding.
(module
  (memory (export "memory") 1)

  ;; For each of `height` lines: to[x] = Σ_k taps[k] · from[x + k · step], x from 0 to `width` − 1. Eight at once, in four sums that do not wait for each
  ;; other: up to seven values behind a line are written too, and the next line overwrites them.
  (func (export "alongLines")
    (param $from i32) (param $fromStride i32) (param $step i32) (param $to i32) (param $toStride i32) (param $width i32) (param $height i32)
    (param $taps i32) (param $n i32)
    (local $x i32) (local $k i32) (local $in i32) (local $out i32) (local $tap i32)
    (local $weight v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $lines
      (local.set $x (i32.const 0))
      (loop $columns
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (local.set $c (v128.const i32x4 0 0 0 0))
        (local.set $d (v128.const i32x4 0 0 0 0))
        (local.set $in (i32.add (local.get $from) (i32.shl (local.get $x) (i32.const 3))))
        (local.set $out (i32.add (local.get $to) (i32.shl (local.get $x) (i32.const 3))))
        (local.set $tap (local.get $taps))
        (local.set $k (local.get $n))
        (loop $sum
          (local.set $weight (v128.load64_splat (local.get $tap)))
          (local.set $a (f64x2.add (local.get $a) (f64x2.mul (local.get $weight) (v128.load (local.get $in)))))
          (local.set $b (f64x2.add (local.get $b) (f64x2.mul (local.get $weight) (v128.load offset=16 (local.get $in)))))
          (local.set $c (f64x2.add (local.get $c) (f64x2.mul (local.get $weight) (v128.load offset=32 (local.get $in)))))
          (local.set $d (f64x2.add (local.get $d) (f64x2.mul (local.get $weight) (v128.load offset=48 (local.get $in)))))
          (local.set $in (i32.add (local.get $in) (local.get $step)))
          (local.set $tap (i32.add (local.get $tap) (i32.const 8)))
          (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
        (v128.store (local.get $out) (local.get $a))
        (v128.store offset=16 (local.get $out) (local.get $b))
        (v128.store offset=32 (local.get $out) (local.get $c))
        (v128.store offset=48 (local.get $out) (local.get $d))
        (local.set $x (i32.add (local.get $x) (i32.const 8)))
        (br_if $columns (i32.lt_u (local.get $x) (local.get $width))))
      (local.set $from (i32.add (local.get $from) (local.get $fromStride)))
      (local.set $to (i32.add (local.get $to) (local.get $toStride)))
      (br_if $lines (local.tee $height (i32.sub (local.get $height) (i32.const 1))))))

  ;; to[4 · i + j] = Σ_p u_i[p] · f_j[p] for two functions from `u` on and four from `f` on, `stride` bytes apart and zero at their ends up to there. Eight
  ;; sums at once, since each addition must wait for the one before it, and a value once read serves two or four of them.
  (func (export "products") (param $u i32) (param $f i32) (param $stride i32) (param $to i32)
    (local $v i32) (local $g i32) (local $h i32) (local $i i32) (local $end i32)
    (local $x v128) (local $y v128) (local $value v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $k v128) (local $l v128) (local $m v128) (local $n v128)
    (local.set $end (i32.add (local.get $u) (local.get $stride)))
    (local.set $v (local.get $end))
    (local.set $g (i32.add (local.get $f) (local.get $stride)))
    (local.set $h (i32.add (local.get $g) (local.get $stride)))
    (local.set $i (i32.add (local.get $h) (local.get $stride)))
    (loop $pixels
      (local.set $x (v128.load (local.get $u)))
      (local.set $y (v128.load (local.get $v)))
      (local.set $value (v128.load (local.get $f)))
      (local.set $a (f64x2.add (local.get $a) (f64x2.mul (local.get $x) (local.get $value))))
      (local.set $k (f64x2.add (local.get $k) (f64x2.mul (local.get $y) (local.get $value))))
      (local.set $value (v128.load (local.get $g)))
      (local.set $b (f64x2.add (local.get $b) (f64x2.mul (local.get $x) (local.get $value))))
      (local.set $l (f64x2.add (local.get $l) (f64x2.mul (local.get $y) (local.get $value))))
      (local.set $value (v128.load (local.get $h)))
      (local.set $c (f64x2.add (local.get $c) (f64x2.mul (local.get $x) (local.get $value))))
      (local.set $m (f64x2.add (local.get $m) (f64x2.mul (local.get $y) (local.get $value))))
      (local.set $value (v128.load (local.get $i)))
      (local.set $d (f64x2.add (local.get $d) (f64x2.mul (local.get $x) (local.get $value))))
      (local.set $n (f64x2.add (local.get $n) (f64x2.mul (local.get $y) (local.get $value))))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (local.set $f (i32.add (local.get $f) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $h (i32.add (local.get $h) (i32.const 16)))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br_if $pixels (i32.lt_u (local.tee $u (i32.add (local.get $u) (i32.const 16))) (local.get $end))))
    (call $storeSum (local.get $to) (local.get $a) (local.get $b))
    (call $storeSum (i32.add (local.get $to) (i32.const 16)) (local.get $c) (local.get $d))
    (call $storeSum (i32.add (local.get $to) (i32.const 32)) (local.get $k) (local.get $l))
    (call $storeSum (i32.add (local.get $to) (i32.const 48)) (local.get $m) (local.get $n)))

  ;; The sums of the two halves of p and of q, next to each other.
  (func $storeSum (param $to i32) (param $p v128) (param $q v128)
    (v128.store (local.get $to)
      (f64x2.add
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $p) (local.get $q))
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $p) (local.get $q))))))
