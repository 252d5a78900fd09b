;; Counts the records of a piece of CSV, 64 bytes at a time: the quick way of `RecordScan`.
;;
;; Of each block it makes bit masks, one bit a byte, of quotes, line ends and so on. The exclusive-or of all quote bits up to
;; a byte says whether that byte is inside of quotes, escaped (doubled) quotes included: they close and open at once.
;; The way is Langdale and Lemire's, "Parsing Gigabytes of JSON per Second", section 3.1, applied to RFC 4180.
;;
;; It only knows regular text. Whatever else it meets, it answers -1 and leaves the piece to the slow way.
(module
  (memory (export "memory") 17)

  ;; Set before each call: the state that the piece before left; and, after a call that did not answer -1, the new one.
  (global $inQuotes (export "inQuotes") (mut i32) (i32.const 0))
  ;; The byte before was a quote that closed.
  (global $closed (export "closed") (mut i32) (i32.const 0))
  ;; The byte before was a delimiter, or a line end outside of quotes.
  (global $atFieldStart (export "atFieldStart") (mut i32) (i32.const 0))
  ;; The byte before was a line end outside of quotes.
  (global $atRecordStart (export "atRecordStart") (mut i32) (i32.const 0))
  ;; The byte before was a carriage return outside of quotes.
  (global $returned (export "returned") (mut i32) (i32.const 0))
  ;; Out: places of the first and the last line end outside of quotes, -1 without any.
  (global $firstEnd (export "firstEnd") (mut i32) (i32.const -1))
  (global $lastEnd (export "lastEnd") (mut i32) (i32.const -1))

  ;; A bit for each of the 64 bytes from $at that are equal to the bytes of $wanted.
  (func $matches (param $at i32) (param $wanted v128) (result i64)
    (i64.or
      (i64.or
        (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=0 (local.get $at)) (local.get $wanted))))
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $wanted))))
          (i64.const 16)))
      (i64.or
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=32 (local.get $at)) (local.get $wanted))))
          (i64.const 32))
        (i64.shl
          (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (v128.load offset=48 (local.get $at)) (local.get $wanted))))
          (i64.const 48)))))

  ;; Each bit becomes the exclusive-or of itself and all bits below it.
  (func $parity (param $x i64) (result i64)
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 1))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 2))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 4))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 8))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 16))))
    (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 32))))

  ;; Each bit of a mask one byte later; the first one is the carry of the block before.
  (func $later (param $mask i64) (param $carry i32) (result i64)
    (i64.or (i64.shl (local.get $mask) (i64.const 1)) (i64.extend_i32_u (local.get $carry))))

  ;; Bit $last of a mask, as 0 or 1.
  (func $bit (param $mask i64) (param $last i64) (result i32)
    (i32.wrap_i64 (i64.and (i64.shr_u (local.get $mask) (local.get $last)) (i64.const 1))))

  ;; The bytes are at 0 … length, with 64 zeros behind them. Answers the number of line ends outside of quotes.
  (func (export "scan")
    (param $length i32) (param $quote i32) (param $delimiter i32) (param $crlf i32)
    (result i32)
    (local $at i32) (local $ends i32) (local $last i64)
    (local $quotes i64) (local $delimiters i64) (local $newlines i64) (local $returns i64)
    (local $inside i64) (local $opening i64) (local $closing i64)
    (global.set $firstEnd (i32.const -1))
    (global.set $lastEnd (i32.const -1))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
        (local.set $last (i64.const 63))
        (if (i32.lt_u (i32.sub (local.get $length) (local.get $at)) (i32.const 64))
          (then (local.set $last (i64.extend_i32_u (i32.sub (i32.sub (local.get $length) (local.get $at)) (i32.const 1))))))

        ;; A quote of -1 is none.
        (local.set $quotes
          (if (result i64) (i32.lt_s (local.get $quote) (i32.const 0))
            (then (i64.const 0))
            (else (call $matches (local.get $at) (i8x16.splat (local.get $quote))))))
        (local.set $delimiters (call $matches (local.get $at) (i8x16.splat (local.get $delimiter))))
        (local.set $newlines (call $matches (local.get $at) (i8x16.splat (i32.const 10))))
        (local.set $returns (call $matches (local.get $at) (i8x16.splat (i32.const 13))))

        ;; From the opening quote up to the byte before the closing one.
        (local.set $inside
          (i64.xor (call $parity (local.get $quotes)) (i64.sub (i64.const 0) (i64.extend_i32_u (global.get $inQuotes)))))
        (local.set $opening (i64.and (local.get $quotes) (local.get $inside)))
        (local.set $closing (i64.and (local.get $quotes) (i64.xor (local.get $inside) (i64.const -1))))
        (local.set $newlines (i64.and (local.get $newlines) (i64.xor (local.get $inside) (i64.const -1))))
        (local.set $returns (i64.and (local.get $returns) (i64.xor (local.get $inside) (i64.const -1))))
        (local.set $delimiters (i64.and (local.get $delimiters) (i64.xor (local.get $inside) (i64.const -1))))

        ;; A quote opens at the start of a field, or right after one that closed: then it was escaped.
        (if (i64.ne (i64.const 0)
              (i64.and (local.get $opening)
                (i64.xor (i64.const -1)
                  (i64.or
                    (call $later (i64.or (local.get $delimiters) (local.get $newlines)) (global.get $atFieldStart))
                    (call $later (local.get $closing) (global.get $closed))))))
          (then (return (i32.const -1))))

        ;; After a closing quote come a delimiter, a line end or another quote; not beyond the last byte.
        (if (i64.ne (i64.const 0)
              (i64.and
                (i64.and
                  (call $later (local.get $closing) (global.get $closed))
                  (i64.shr_u (i64.const -1) (i64.sub (i64.const 63) (local.get $last))))
                (i64.xor (i64.const -1)
                  (i64.or
                    (i64.or (local.get $delimiters) (local.get $newlines))
                    (i64.or (local.get $returns) (local.get $opening))))))
          (then (return (i32.const -1))))

        ;; All lines end in one way, and none of them is blank.
        (if (local.get $crlf)
          (then
            (if (i64.ne (local.get $newlines) (call $later (local.get $returns) (global.get $returned)))
              (then
                ;; A carriage return that is the last byte is answered for by the next piece.
                (if (i64.ne (local.get $newlines)
                      (i64.and
                        (call $later (local.get $returns) (global.get $returned))
                        (i64.shr_u (i64.const -1) (i64.sub (i64.const 63) (local.get $last)))))
                  (then (return (i32.const -1))))))
            (if (i64.ne (i64.const 0)
                  (i64.and (local.get $returns) (call $later (local.get $newlines) (global.get $atRecordStart))))
              (then (return (i32.const -1)))))
          (else
            (if (i64.ne (i64.const 0) (local.get $returns)) (then (return (i32.const -1))))
            (if (i64.ne (i64.const 0)
                  (i64.and (local.get $newlines) (call $later (local.get $newlines) (global.get $atRecordStart))))
              (then (return (i32.const -1))))))

        (if (i64.ne (i64.const 0) (local.get $newlines))
          (then
            (if (i32.lt_s (global.get $firstEnd) (i32.const 0))
              (then
                (global.set $firstEnd
                  (i32.add (local.get $at) (i32.wrap_i64 (i64.ctz (local.get $newlines)))))))
            (global.set $lastEnd
              (i32.add (local.get $at) (i32.sub (i32.const 63) (i32.wrap_i64 (i64.clz (local.get $newlines))))))
            (local.set $ends (i32.add (local.get $ends) (i32.wrap_i64 (i64.popcnt (local.get $newlines)))))))

        (global.set $inQuotes (call $bit (local.get $inside) (local.get $last)))
        (global.set $closed (call $bit (local.get $closing) (local.get $last)))
        (global.set $returned (call $bit (local.get $returns) (local.get $last)))
        (global.set $atRecordStart (call $bit (local.get $newlines) (local.get $last)))
        (global.set $atFieldStart
          (call $bit (i64.or (local.get $delimiters) (local.get $newlines)) (local.get $last)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next)))
    (local.get $ends)))
