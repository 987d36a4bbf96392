;; Lanczos-3 interpolation of a cell of 16 × 16 pixels, four float32 at a time: the hot loop of the warp. `npm run generate` assembles it into
;; resample.generated.ts. Addresses and strides are in bytes, places in 1024ths of a pixel. At address 0 stands the table of weights, six of eight
;; float32 for each of the fractions 0/1024 to 1023/1024; the caller lays out the rest (see resample.ts).
(module
  (memory (export "memory") 1)

  ;; to[y][x] = the image at (x0, y0) + x · right + y · up + x · y · twist, where 36 pixels around it are weighted, and 1024 bytes further the variance
  ;; of the pixel nearest to it. A place outside of pixel 2 to `last` is moved to that edge.
  (func (export "resample")
    (param $image i32) (param $variance i32) (param $stride i32) (param $to i32)
    (param $x0 f64) (param $y0 f64) (param $rightX f64) (param $rightY f64)
    (param $upX f64) (param $upY f64) (param $twistX f64) (param $twistY f64) (param $lastX f64) (param $lastY f64)
    (local $rowEnd i32) (local $end i32) (local $x i32) (local $y i32) (local $at i32) (local $across i32) (local $down i32)
    (local $begin v128) (local $right v128) (local $up v128) (local $twist v128) (local $last v128)
    (local $place v128) (local $inside v128) (local $weight v128) (local $a v128) (local $b v128)
    ;; Half a step is added, so that what cuts rounds.
    (local.set $begin
      (f64x2.add (f64x2.replace_lane 1 (f64x2.splat (local.get $x0)) (local.get $y0)) (v128.const f64x2 0.5 0.5)))
    (local.set $right (f64x2.replace_lane 1 (f64x2.splat (local.get $rightX)) (local.get $rightY)))
    (local.set $up (f64x2.replace_lane 1 (f64x2.splat (local.get $upX)) (local.get $upY)))
    (local.set $twist (f64x2.replace_lane 1 (f64x2.splat (local.get $twistX)) (local.get $twistY)))
    (local.set $last (f64x2.replace_lane 1 (f64x2.splat (local.get $lastX)) (local.get $lastY)))
    ;; The first of the 36 neighbours is two rows and two pixels before a place.
    (local.set $image (i32.sub (local.get $image) (i32.add (i32.shl (local.get $stride) (i32.const 1)) (i32.const 8))))
    (local.set $end (i32.add (local.get $to) (i32.const 1024)))
    (loop $rows
      (local.set $place (local.get $begin))
      (local.set $rowEnd (i32.add (local.get $to) (i32.const 64)))
      (loop $columns
        (local.set $inside
          (i32x4.trunc_sat_f64x2_s_zero
            (f64x2.pmax (v128.const f64x2 2048 2048) (f64x2.pmin (local.get $last) (local.get $place)))))
        (local.set $x (i32x4.extract_lane 0 (local.get $inside)))
        (local.set $y (i32x4.extract_lane 1 (local.get $inside)))
        (f32.store offset=1024 (local.get $to)
          (f32.load
            (i32.add (local.get $variance)
              (i32.add
                (i32.mul (i32.shr_u (i32.add (local.get $y) (i32.const 512)) (i32.const 10)) (local.get $stride))
                (i32.shl (i32.shr_u (i32.add (local.get $x) (i32.const 512)) (i32.const 10)) (i32.const 2))))))
        (local.set $at
          (i32.add (local.get $image)
            (i32.add
              (i32.mul (i32.shr_u (local.get $y) (i32.const 10)) (local.get $stride))
              (i32.shl (i32.shr_u (local.get $x) (i32.const 10)) (i32.const 2)))))
        (local.set $across (i32.shl (i32.and (local.get $x) (i32.const 1023)) (i32.const 5)))
        (local.set $down (i32.shl (i32.and (local.get $y) (i32.const 1023)) (i32.const 5)))
        ;; The six rows are weighted and added first: columns 0 to 3 in a, 4 and 5 in b, whose other half stays 0.
        (local.set $weight (v128.load32_splat (local.get $down)))
        (local.set $a (f32x4.mul (local.get $weight) (v128.load (local.get $at))))
        (local.set $b (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $weight (v128.load32_splat offset=4 (local.get $down)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $at)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $weight (v128.load32_splat offset=8 (local.get $down)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $at)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $weight (v128.load32_splat offset=12 (local.get $down)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $at)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $weight (v128.load32_splat offset=16 (local.get $down)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $at)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (local.get $stride)))
        (local.set $weight (v128.load32_splat offset=20 (local.get $down)))
        (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $at)))))
        (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load64_zero offset=16 (local.get $at)))))
        (local.set $a
          (f32x4.add
            (f32x4.mul (local.get $a) (v128.load (local.get $across)))
            (f32x4.mul (local.get $b) (v128.load offset=16 (local.get $across)))))
        (local.set $a
          (f32x4.add (local.get $a)
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $a) (local.get $a))))
        (f32.store (local.get $to) (f32.add (f32x4.extract_lane 0 (local.get $a)) (f32x4.extract_lane 1 (local.get $a))))
        (local.set $place (f64x2.add (local.get $place) (local.get $right)))
        (br_if $columns (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 4))) (local.get $rowEnd))))
      (local.set $begin (f64x2.add (local.get $begin) (local.get $up)))
      (local.set $right (f64x2.add (local.get $right) (local.get $twist)))
      (br_if $rows (i32.lt_u (local.get $to) (local.get $end))))))
