;; The whole ABI snat_v1: pods with a label that begins with "own-address" keep their
;; addresses towards config.keep, and not towards config.except, if there is one.
(module
  (import "snat_v1" "fact"      (func $fact (param $key i32) (param i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "snat_v1" "fact_keys" (func $fact_keys (param $prefix i32) (param i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "snat_v1" "exclude"   (func $exclude (param $cidr i32) (param i32) (param $why i32) (param i32)))
  (import "snat_v1" "translate" (func $translate (param $cidr i32) (param i32) (param $source i32) (param i32) (param $why i32) (param i32)))
  (import "snat_v1" "log"       (func $log (param $level i32) (param $msg i32) (param i32)))
  (import "snat_v1" "fail"      (func $fail (param $msg i32) (param i32)))
  (memory (export "memory") 1) ;; texts below 256, then config.keep, and config.except from 512 on
  (data (i32.const 0) "config.keepconfig.exceptpod.label.own-addressconfig keep: missing, want an IPv4 prefix")
  (func (export "_initialize") (call $log (i32.const -1) (i32.const 34) (i32.const 11))) ;; optional; -1 is debug
  (func (export "validate") (result i32) ;; optional; an absent fact has the length -1
    (if (i32.lt_s (call $fact (i32.const 0) (i32.const 11) (i32.const 256) (i32.const 256)) (i32.const 0)) (then (call $fail (i32.const 45) (i32.const 41))))
    (i32.const 0))
  (func (export "decide") (result i32) (local $except i32)
    (if (i32.eqz (call $fact_keys (i32.const 24) (i32.const 21) (i32.const 0) (i32.const 0))) (then (return (i32.const 1)))) ;; no such label: no opinion
    (call $exclude (i32.const 256) (call $fact (i32.const 0) (i32.const 11) (i32.const 256) (i32.const 256)) (i32.const 34) (i32.const 11))
    (local.set $except (call $fact (i32.const 11) (i32.const 13) (i32.const 512) (i32.const 256)))
    (if (i32.ge_s (local.get $except) (i32.const 0)) ;; an empty source is the node's primary address
      (then (call $translate (i32.const 512) (local.get $except) (i32.const 0) (i32.const 0) (i32.const 34) (i32.const 11))))
    (i32.const 0))) ;; decided
